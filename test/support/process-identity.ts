/** Which process an id means: an id alone may have a new bearer. */
import { readFileSync } from 'node:fs';

/** Process id and start time, as `id/start`; `undefined` when there is no such process, or only what is left of one. */
export function processIdentity(pid: number): string | undefined {
  try {
    // Fields 3 and 22 of stat; field 2 is the name in brackets, which may hold blanks.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields[0] === 'Z' ? undefined : `${pid}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** The id in an identity whose process still runs. */
export function livingPid(identity: string): number | undefined {
  const pid = Number(identity.split('/')[0]);
  return processIdentity(pid) === identity ? pid : undefined;
}

/** Sends a signal to exactly that process; false when it is gone. */
export function signalProcess(identity: string, signal: NodeJS.Signals): boolean {
  const pid = livingPid(identity);
  try {
    return pid !== undefined && process.kill(pid, signal);
  } catch {
    return false; // it ended in between
  }
}

/** The only child of a process, once it has one. */
export function childOf(pid: number): number | undefined {
  try {
    const [child = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return child === '' ? undefined : Number(child);
  } catch {
    return undefined;
  }
}
