/** Whether a create costs the same in an empty pool and in a full one. */
import { step } from '../step.ts';
import type { Bed } from './bed.ts';
import { type Load, percentile } from './load.ts';
import { ThroughGrpc } from './sides.ts';
import { digits, showTable } from './table.ts';

const SAMPLE = 60;

export async function measureScale(bed: Bed, volumes: number): Promise<void> {
  const pool = await bed.ceph.freshPool();
  const ours = new ThroughGrpc(bed.driver, pool.place);
  await ours.run({ act: 'create', series: 'warm', count: 5, atOnce: 1 });
  const empty = await ours.run({ act: 'create', series: 'empty', count: SAMPLE, atOnce: 1 });
  await step(`${volumes} volumes`, () => ours.run({ act: 'create', series: 'fill', count: volumes, atOnce: 32 }));
  const full = await ours.run({ act: 'create', series: 'full', count: SAMPLE, atOnce: 1 });
  const describe = (load: Load): string[] => [0.5, 0.95].map((part) => digits(percentile(load.times, part)));
  showTable(
    'CreateVolume, one at a time (milliseconds)',
    ['volumes in the pool', 'p50', 'p95'],
    [
      ['0', ...describe(empty)],
      [String(volumes), ...describe(full)],
    ],
  );
}
