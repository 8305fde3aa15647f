/** Processes that outlive whoever started them, found by an argument that no other process has: nothing is remembered. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { isErrno } from './errno.ts';
import { LIMITS } from './limits.ts';

export async function findProcesses(argument: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const found = await Promise.all(pids.map((pid) => has(pid, argument)));
  return pids.filter((_, index) => found[index]);
}

/** Throws `unfinished` for a volume whose process is still there: two would take each other's place. */
export async function refuseSecond(argument: string): Promise<void> {
  if ((await findProcesses(argument)).length === 0) return;
  throw new Failure('unfinished', 'DAEMON_LEFT', 'an earlier process that maps the volume is still there');
}

/** Kills all of them, and waits for their end. */
export async function killProcesses(argument: string): Promise<void> {
  const until = Date.now() + LIMITS.daemonStop;
  for (;;) {
    const pids = await findProcesses(argument);
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid);
    if (Date.now() > until) throw new Failure('unfinished', 'DAEMON_STUCK', 'the process that maps the volume does not end');
    await sleep(20);
  }
}

async function has(pid: number, argument: string): Promise<boolean> {
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
