/** How far behind a copy is while somebody writes, as the status says it, beside what really is at the other site. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DisasterBed } from '../../disaster/disaster-bed.ts';
import { BlockWriter, Written } from '../../support/mirror/block-writer.ts';
import type { MirrorPool } from '../../support/mirror/mirror-bed.ts';
import { factsAt } from '../../support/mirror/sites.ts';
import { MiB } from '../../support/volume-specs.ts';

const SECONDS = Number(process.env['LOLIGO_SECONDS'] ?? '120');

let bed: DisasterBed;
before(async () => {
  bed = await DisasterBed.start();
});
after(async () => await bed?.[Symbol.asyncDispose]());

for (const interval of ['5s', '30s'] as const) {
  test(`interval ${interval}: the status never says less than is missing`, { timeout: 30 * 60_000 }, async () => {
    await using pool = await bed.mirror.freshPool();
    await bed.createVolumes(pool, ['v']);
    await bed.apply(pool, { interval, rpo: '2m' });
    await bed.until(pool, ({ volumes, lag }) => volumes?.summary === '1/1' && lag !== undefined);
    const written = new Written(32n * MiB);
    const writer = new BlockWriter(pool.east.pool, 'v', written);
    const [shown, missing, over]: number[][] = [[], [], []];
    await sleep(Number.parseInt(interval, 10) * 1000 + 5000);

    for (const end = Date.now() + SECONDS * 1000; Date.now() < end; await sleep(400)) {
      const { lossIfForced = '' } = (await bed.policy(pool)).status ?? {};
      const said = Number.parseInt(lossIfForced, 10);
      const really = await reallyMissing(pool, written);
      if (Number.isNaN(said) || really === undefined) continue;
      shown?.push(said);
      missing?.push(really);
      over?.push(said - really);
    }
    await writer.stop();

    const line = (name: string, values: number[] = []): string =>
      `${name}: p50 ${at(values, 0.5)}, p99 ${at(values, 0.99)}, max ${at(values, 1)}`;
    console.log(`interval ${interval}, ${shown?.length} looks, ${written.count} writes of 64 KiB in all`);
    console.log([line('shown', shown), line('really missing', missing), line('shown minus really missing', over)].join('\n'));
    console.log(`least shown minus really missing: ${at(over ?? [], 0)} s`);
    assert.ok((shown?.length ?? 0) > 10);
    // What is said holds until the next pass; a busy machine may be late by some.
    assert.ok(at(over ?? [], 0) > -2, 'the status promised more than is there');
  });
}

/**
 * Seconds since the first acknowledged write that the copy lacks. Undefined while a copy is being made: what is in the
 * image then is of two states.
 */
async function reallyMissing(pool: MirrorPool, written: Written): Promise<number | undefined> {
  const newest = async () => (await factsAt(pool.west)).images[0]?.detail?.snapshots[0];
  const before = await newest();
  const looked = Date.now();
  const count = await written.countAt(pool.west.pool, 'v');
  const later = await newest();
  if (before?.complete !== true || later?.id !== before.id) return undefined;
  const first = written.times[count];
  return first === undefined || first > looked ? 0 : (looked - first) / 1000;
}

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1));
}
