/** Memory, and how soon the program answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Driver } from '../../test/support/driver.ts';
import { type Bed, PROGRAM, servingPids } from './bed.ts';
import { median } from './load.ts';
import { memoryOf } from './processes.ts';
import { digits, showTable } from './table.ts';

const rows: string[][] = [];

export function noteMemory(what: string, pids: readonly number[]): void {
  const { pss, alone, rss } = memoryOf(pids);
  rows.push([what, digits(pss), digits(alone), digits(rss)]);
}

export function noteServing(bed: Bed, when: string): void {
  const [controller, agent] = servingPids(bed);
  if (controller === undefined || agent === undefined) return;
  noteMemory(`controller ${when}`, [controller]);
  noteMemory(`agent ${when}`, [agent]);
  noteMemory(`both ${when}`, [controller, agent]);
}

/** Starts and stops the roles for it. */
export async function measureStarts(bed: Bed, times: number): Promise<void> {
  const seconds: Record<'controller' | 'node', number[]> = { controller: [], node: [] };
  for (const role of ['controller', 'node'] as const) {
    for (let run = 0; run < times; run += 1) {
      const began = performance.now();
      await using driver = await Driver.start({ role, clusters: bed.clusters, program: PROGRAM });
      seconds[role].push((performance.now() - began) / 1000);
      if (role === 'controller' || run < times - 1) continue;
      await sleep(1000);
      noteMemory('node idle', [driver.pid]);
    }
  }
  const of = (role: keyof typeof seconds): string => `${role} ${digits(median(seconds[role]))} s`;
  console.log(`  Ready (from start to the first answer, median of ${times}): ${of('controller')}, ${of('node')}`);
}

export function showMemory(): void {
  showTable('Memory (MB)', ['process', 'PSS', 'alone', 'RSS'], rows);
  console.log('  PSS as the kernel says it; `alone` counts in full what others on this machine happen to share.');
  console.log(
    '  Settings: young generation of 1 MB, optimize-for-size (every role); 32 threads, 2 malloc arenas trimmed at 128 KiB (agent).',
  );
}
