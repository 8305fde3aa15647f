/**
 * Twenty planned moves by the operator, ten each way, some asked for straight after the one before: a client writes until the volume is
 * taken from it, and what was acknowledged last is there each time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { condition, DisasterBed } from '../../disaster/disaster-bed.ts';
import { BlockWriter, Written } from '../../support/mirror/block-writer.ts';
import { MiB } from '../../support/volume-specs.ts';

const MOVES = Number(process.env['LOLIGO_MOVES'] ?? '20');
const WRITES_MS = 3000;

for (const mode of ['Snapshot', 'Journal'] as const) {
  test(`${mode}: ${MOVES} moves lose nothing`, { timeout: 60 * 60_000 }, async () => {
    await using bed = await DisasterBed.start();
    await using pool = await bed.mirror.freshPool();
    await bed.createVolumes(pool, ['v', 'w']);
    await bed.apply(pool, { mode });
    await bed.until(pool, ({ volumes }) => volumes?.summary === '2/2', 180);
    const written = new Written(32n * MiB);
    let [from, to] = [pool.east, pool.west];
    const took: { waited: number; down: number }[] = [];

    for (let count = 1; count <= MOVES; count += 1) {
      // Every third move is asked for at once, and the operator has to know for itself how long to wait.
      const isStraight = count % 3 === 0;
      const before = written.count;
      const writer = new BlockWriter(from.pool, 'v', written);
      if (!isStraight) await bed.until(pool, (status) => condition(status, 'SafeToSwitchover') === 'True Safe', 180);
      const asked = Date.now();
      await bed.patch(pool, { primarySite: to.name, epoch: count + 1 });
      await sleep(WRITES_MS);
      // What somebody writes to is not demoted: the move waits for this one.
      await bed.until(pool, ({ step }) => step?.name === 'Demote' && step.blockedBy !== undefined, 240);
      await writer.stop();
      const stopped = Date.now();
      await bed.until(pool, ({ epoch }) => epoch === count + 1, 240);
      const done = Date.now();
      await written.checkAt(to.pool, 'v');

      took.push({ waited: stopped - asked, down: done - stopped });
      const seconds = ((done - stopped) / 1000).toFixed(1);
      const how = isStraight ? ', asked for at once' : '';
      console.log(`${mode} ${count} to ${to.name}${how}: ${written.count - before} writes, ${seconds} s until it is primary again`);
      [from, to] = [to, from];
    }
    const downs = took.map(({ down }) => down / 1000).toSorted((a, b) => a - b);
    console.log(`${mode}: ${written.count} writes; down p50 ${downs[Math.floor(downs.length / 2)]} s, most ${downs.at(-1)} s`);
    assert.equal(took.length, MOVES);
  });
}
