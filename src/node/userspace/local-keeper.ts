/**
 * Keeps daemons as children of this process: one qemu-storage-daemon per volume, in a session of its own, which outlives
 * us where nothing ends our PID namespace with us. It is found again by its control socket's path in its arguments.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { DaemonKeeper } from '../keeper/keeper.ts';
import { LIMITS } from '../limits.ts';
import { killProcesses, refuseSecond } from '../processes.ts';
import { type Ended, run, startDetached } from '../run.ts';
import { DAEMON, socketOf } from './volume-files.ts';

export class LocalKeeper implements DaemonKeeper {
  readonly #ended: (dir: string, how: Ended) => void;

  /** `ended` is told of each daemon of ours that ends while we are there. */
  constructor(ended: (dir: string, how: Ended) => void = () => undefined) {
    this.#ended = ended;
  }

  async missing(): Promise<string | undefined> {
    if (!(await exists('/dev/fuse'))) return '/dev/fuse';
    try {
      await run(DAEMON, ['--version'], { limit: LIMITS.look });
    } catch {
      return DAEMON;
    }
    return undefined;
  }

  async start(dir: string): Promise<void> {
    await refuseSecond(chardev(dir));
    const args = ['--chardev', chardev(dir), '--monitor', 'chardev=control'];
    await startDetached(DAEMON, args, { logFile: join(dir, 'daemon.log'), ended: (how) => this.#ended(dir, how) });
  }

  end(dir: string): Promise<void> {
    return killProcesses(chardev(dir));
  }
}

function chardev(dir: string): string {
  return `socket,id=control,path=${socketOf(dir)},server=on,wait=off`;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
