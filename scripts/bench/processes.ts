/** What processes take, as the kernel counts it. */
import { readFileSync } from 'node:fs';

/** Kernel ticks of /proc/PID/stat; 100 on every Linux that Node runs on. */
const TICKS = 100;

export interface Memory {
  /** MB: private memory, and of what is mapped by several processes of the machine a share. */
  readonly pss: number;
  /** MB: all that is mapped and in memory; what these processes share counts in each. */
  readonly rss: number;
  /** MB: what these processes would take with nothing else on the machine; `pss` is lower where others run the same programs. */
  readonly alone: number;
}

export function memoryOf(pids: readonly number[]): Memory {
  const mappings = pids.flatMap(readMappings);
  const sum = (count: (mapping: Mapping) => number): number => mappings.reduce((total, mapping) => total + count(mapping), 0) / 1e6;
  const files = new Map<string, number>();
  for (const { file, rss, dirty } of mappings) {
    if (file !== '') files.set(file, Math.max(files.get(file) ?? 0, rss - dirty));
  }
  const shared = [...files.values()].reduce((total, bytes) => total + bytes, 0) / 1e6;
  return {
    pss: sum(({ pss }) => pss),
    rss: sum(({ rss }) => rss),
    alone: shared + sum(({ file, rss, dirty }) => (file === '' ? rss : dirty)),
  };
}

/** Bytes of one mapping of a process; `file` tells which part of which file it shows, '' for none. */
interface Mapping {
  readonly file: string;
  readonly rss: number;
  readonly pss: number;
  /** Of a file: pages that were written to, and so are this process' own. */
  readonly dirty: number;
}

function readMappings(pid: number): Mapping[] {
  const blocks = readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return blocks.map((block) => {
    const [, , offset, device, inode] = block.split(/\s+/, 5);
    const bytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(block)?.[1] ?? 0) * 1024;
    const file = inode === '0' ? '' : `${device} ${inode} ${offset}`;
    return { file, rss: bytes('Rss'), pss: bytes('Pss'), dirty: bytes('Private_Dirty') };
  });
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
