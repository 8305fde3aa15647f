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
  if (!(await haveEnded(argument, 'SIGKILL'))) {
    throw new Failure('unfinished', 'DAEMON_STUCK', 'the process that maps the volume does not end');
  }
}

/** The same, after they had time to end by themselves. */
export async function endProcesses(argument: string): Promise<void> {
  if (!(await haveEnded(argument, 'SIGTERM'))) await killProcesses(argument);
}

/** Within a time. */
async function haveEnded(argument: string, signal: NodeJS.Signals): Promise<boolean> {
  const told = new Set<number>();
  for (const until = Date.now() + LIMITS.daemonStop; Date.now() < until; await sleep(20)) {
    const pids = await findProcesses(argument);
    if (pids.length === 0) return true;
    for (const pid of pids.filter((one) => !told.has(one))) tell(pid, signal);
    for (const pid of pids) told.add(pid);
  }
  return false;
}

async function has(pid: number, argument: string): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'latin1')).split('\0').includes(argument);
  } catch {
    return false; // It has ended.
  }
}

function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}
