import { Failure } from '#lib/failure';
import { type Ran, type RunOptions, run } from './run.ts';

/** As `flock` answers when another process has the lock. */
const LOCKED = 75;

/**
 * Runs a program that holds a lock file of the volume until it ends, also when the node role is killed meanwhile. The file
 * is made when it is not there. Throws `unfinished` while another one holds it.
 */
export async function runLocked(lock: string, command: readonly string[], options: RunOptions): Promise<Ran> {
  const args = ['--nonblock', '--conflict-exit-code', String(LOCKED), lock, ...command];
  const ran = await run('flock', args, { ...options, accept: [...(options.accept ?? [0]), LOCKED] });
  if (ran.exit !== LOCKED) return ran;
  throw new Failure('unfinished', 'LUKS_UNDERWAY', 'an earlier call still works on the LUKS header of the volume');
}
