/**
 * The reaper killed in the middle of its work: who comes next, once the dead one's turn is over, finishes it. A place for
 * each kill, for a turn is of a place. `LOLIGO_SOAK=1` kills at every call and at more moments within the long ones.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inParallel } from '#lib/in-parallel';
import { diedAt } from '../support/died-at.ts';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import { leftovers } from '../support/leftovers.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

const SOAK = process.env['LOLIGO_SOAK'] === '1';
const MOMENTS = SOAK ? [undefined, 2, 10, 50, 200] : [undefined];
/** Of the calls one in so many. */
const EACH = SOAK ? 1 : 6;
const CALLS_MAX = 200;
const AT_ONCE = 3;
const SIZE = 64n * MiB;

interface Chore {
  prepare(pool: TestPool, bed: Bed): Promise<void>;
  /** After the work was done by the next one: looks at it, and deletes what is left. */
  check(pool: TestPool, bed: Bed): Promise<void>;
}

const CHORES: Record<string, Chore> = {
  'purging a deleted volume': {
    prepare: async (pool, bed) => {
      await bed.engine.createVolume(aVolume(pool, { image: 'v', size: SIZE }));
      await fill(pool, 'v');
      await bed.engine.deleteVolume(anImage(pool.place, 'v'));
    },
    check: async () => undefined,
  },
  'flattening a clone': {
    prepare: async (pool, bed) => {
      const source = await bed.engine.createVolume(aVolume(pool, { image: 'source', size: SIZE }));
      await fill(pool, 'source');
      const snapshot = await bed.engine.createSnapshot(aSnapshot(source, 's'));
      await bed.engine.createVolume(
        aVolume(pool, { image: 'clone', size: SIZE, flatten: true, source: { from: 'snapshot', snapshot } }),
      );
    },
    check: async (pool, bed) => {
      assert.equal(Object(await pool.rbdJson('info', 'clone')).parent, undefined);
      assert.equal(await pool.checksum('clone'), await pool.checksum('source'));
      await bed.engine.deleteSnapshot(aSnapshot(anImage(pool.place, 'source'), 's'));
      for (const image of ['clone', 'source']) await bed.engine.deleteVolume(anImage(pool.place, image));
    },
  },
};

for (const [name, chore] of Object.entries(CHORES)) {
  test(`a reaper killed while ${name} is followed by one that finishes it`, async () => {
    let killed = 0;
    let past = false;
    const calls = Array.from({ length: CALLS_MAX / EACH }, (_, index) => (index + 1) * EACH);
    await inParallel(calls, AT_ONCE, async (call) => {
      for (const after of MOMENTS) {
        if (past) return;
        const died = await killOnce(chore, { call, after });
        if (died) killed += 1;
        else if (after === undefined) past = true;
      }
    });

    assert.ok(past, `the reaper makes more than ${CALLS_MAX} calls`);
    assert.ok(killed >= 2, `only ${killed} kill points were met`);
  });
}

/** Whether it died: it may be done before the moment comes. */
async function killOnce(chore: Chore, moment: { call: number; after: number | undefined }): Promise<boolean> {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await chore.prepare(pool, bed);

  const died = await diedAt(pool, bed, { operation: 'reap', args: pool.place, ...moment });
  await reapInTurn(pool, bed);

  await chore.check(pool, bed);
  assert.deepEqual(await leftovers(pool, bed), [], `killed at call ${moment.call}, ${moment.after ?? 0} ms into it`);
  return died;
}

/** The dead one's turn lasts some seconds more. */
async function reapInTurn(pool: TestPool, bed: Bed): Promise<void> {
  for (let attempt = 0; (await bed.engine.reap(pool.place)).isOthersTurn; attempt += 1) {
    assert.ok(attempt < 60, 'the turn of a reaper that was killed does not end');
    await sleep(500);
  }
}

async function fill(pool: TestPool, image: string): Promise<void> {
  await pool.rbd('bench', '--io-type', 'write', '--io-total', '8M', '--io-size', '1M', image);
}
