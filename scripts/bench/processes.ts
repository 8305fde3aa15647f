/** What processes take, as the kernel counts it. */
import { readFileSync } from 'node:fs';

/** Kernel ticks of /proc/PID/stat; 100 on every Linux that Node runs on. */
const TICKS = 100;

export interface Memory {
  /** MB: private memory, and its share of what several processes map. */
  readonly pss: number;
  /** MB: all that is mapped and in memory. */
  readonly rss: number;
}

export function memoryOf(pids: readonly number[]): Memory {
  const sum = (field: string): number => pids.reduce((total, pid) => total + readRollup(pid, field), 0);
  return { pss: sum('Pss'), rss: sum('Rss') };
}

function readRollup(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text) ?? [];
  return (Number(kib) * 1024) / 1e6;
}

/** Seconds of processor time that the processes took so far. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((total, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    // Behind the name: state is field 0, utime 11, stime 12.
    return total + (Number(fields[11]) + Number(fields[12])) / TICKS;
  }, 0);
}
