/**
 * Keeps daemons as children of this process: one qemu-storage-daemon per volume, in a session of its own, which outlives
 * us where nothing ends our PID namespace with us. It is found again by its control socket's path in its arguments:
 * nothing is remembered about it.
 */
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { isErrno } from '../errno.ts';
import { LIMITS } from '../limits.ts';
import { type Ended, run, startDetached } from '../run.ts';
import type { DaemonKeeper } from './keeper.ts';
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
    if ((await findDaemons(dir)).length > 0) {
      throw new Failure('unfinished', 'DAEMON_LEFT', 'an earlier process that maps the volume is still there');
    }
    const args = ['--chardev', chardev(dir), '--monitor', 'chardev=control'];
    await startDetached(DAEMON, args, { logFile: join(dir, 'daemon.log'), ended: (how) => this.#ended(dir, how) });
  }

  async end(dir: string): Promise<void> {
    const until = Date.now() + LIMITS.daemonStop;
    for (;;) {
      const pids = await findDaemons(dir);
      if (pids.length === 0) return;
      for (const pid of pids) kill(pid);
      if (Date.now() > until) throw new Failure('unfinished', 'DAEMON_STUCK', 'the process that maps the volume does not end');
      await sleep(20);
    }
  }
}

async function findDaemons(dir: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const ours = await Promise.all(pids.map((pid) => isDaemon(pid, chardev(dir))));
  return pids.filter((_, index) => ours[index]);
}

async function isDaemon(pid: number, argument: string): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'latin1')).split('\0').includes(argument);
  } catch {
    return false; // It has ended.
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
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
