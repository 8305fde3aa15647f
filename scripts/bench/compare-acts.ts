/** Every act at every concurrency, on both sides. */

import { step } from '../step.ts';
import { ACTS, type Act } from './acts.ts';
import type { Bed } from './bed.ts';
import { untilSpaceIsFree } from './deleted-space.ts';
import { type Load, percentile, rate } from './load.ts';
import { digits, showTable } from './table.ts';

type Counts = Readonly<Record<Act, number>>;

/** The monitor commits once a second, and a snapshot waits for it: those are measured with few. */
const COUNTS: ReadonlyMap<number, Counts> = new Map([
  [1, { create: 60, snapshot: 4, restore: 4, clone: 3, expand: 12, delete: 30 }],
  [8, { create: 200, snapshot: 24, restore: 24, clone: 16, expand: 64, delete: 100 }],
  [32, { create: 320, snapshot: 64, restore: 64, clone: 48, expand: 128, delete: 160 }],
]);

export async function compareActs(bed: Bed, quick: boolean): Promise<void> {
  const rows: string[][] = [];
  let freed = { images: 0, seconds: 0 };
  for (const [atOnce, counts] of COUNTS) {
    if (quick && atOnce !== 8) continue;
    for (const act of ACTS) {
      const first = act === 'delete' ? counts.create - counts.delete : 0;
      const round = { act, series: `${atOnce}`, count: counts[act], atOnce, first };
      const ours = await step(`${act}, ${atOnce} at once`, () => bed.ours.run({ ...round, series: `ours-${atOnce}` }));
      if (act === 'delete') freed = { images: round.count, seconds: await untilSpaceIsFree(bed) };
      const plain = await step('  librbd alone', () => bed.plain.run({ ...round, series: `plain-${atOnce}` }));
      rows.push([act, String(atOnce), ...describe(ours), ...describe(plain), digits(rate(ours) / rate(plain))]);
    }
  }
  showTable(
    'Acts through gRPC, and the same librbd calls alone (rate a second, milliseconds)',
    ['act', 'at once', 'Loligo/s', 'p50', 'p95', 'librbd/s', 'p50', 'p95', 'ratio'],
    rows.toSorted((a, b) => ACTS.indexOf(a[0] as Act) - ACTS.indexOf(b[0] as Act)), // the first cell is the act
  );
  console.log('  Both sides purge what they delete meanwhile, four at once, which the rate of `delete` has to bear.');
  console.log(`  ${freed.images} deleted volumes were purged ${digits(freed.seconds)} s after the last answer`);
}

function describe(load: Load): string[] {
  return [rate(load), percentile(load.times, 0.5), percentile(load.times, 0.95)].map(digits);
}
