/** A volume of a group snapshot's member is a clone, which outlives the set and the image that it was taken of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Feature, Volume } from '#rbd';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aGroup, anImage, aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

/** Not a whole number of stripes. */
const SIZE = 36n * MiB;
const ALL: readonly Feature[] = ['layering', 'exclusive-lock', 'object-map', 'fast-diff', 'deep-flatten', 'journaling'];

test('a clone of a member reads, outlives set and source, and the last one takes the snapshot with it', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const data = await aSet(bed, pool);

  for (const image of ['read', 'flattened', 'snapped']) await restore(bed, pool, image);
  await bed.engine.deleteGroupSnapshot({ ...pool.place, group: 'set' });
  await bed.engine.deleteVolume(anImage(pool.place, 'a'));
  await bed.engine.reap(pool.place);
  await pool.rbd('flatten', 'flattened');
  await bed.engine.createSnapshot(aSnapshot(anImage(pool.place, 'snapped'), 's'));
  const read = await Promise.all(['read', 'flattened', 'snapped@s'].map((image) => pool.checksum(image)));
  await bed.engine.deleteSnapshot({ ...anImage(pool.place, 'snapped'), snapshot: 's' });
  for (const image of ['read', 'flattened', 'snapped', 'b']) await bed.engine.deleteVolume(anImage(pool.place, image));
  await bed.engine.reap(pool.place);

  assert.deepEqual(read, [data, data, data]);
  assert.deepEqual(await leftoversAfter(pool, 5), []);
});

test('a clone of a member has the stripes and the journal that its class asks for', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const data = await aSet(bed, pool);
  const layout = { dataPool: '', objectSize: 4n * MiB, stripeUnit: MiB, stripeCount: 2n, features: ALL };

  await restore(bed, pool, 'striped', { layout });
  await restore(bed, pool, 'striped', { layout });
  const read = await pool.checksum('striped');
  await pool.rbd('bench', '--io-type', 'write', '--io-total', '1M', 'striped');

  const info = Object(await pool.rbdJson('info', 'striped'));
  assert.deepEqual(info.flags, [], 'its object map is right');
  assert.deepEqual([info.stripe_unit, info.stripe_count], [Number(MiB), 2]);
  assert.ok(info.features.includes('journaling'), info.features.join());
  assert.equal(read, data);
});

/** A group snapshot `set` of a volume `a` with data, which changes afterwards, and an empty one; gives the checksum of the data. */
async function aSet(bed: Bed, pool: TestPool): Promise<string> {
  const volumes: Volume[] = [];
  for (const image of ['a', 'b']) volumes.push(await bed.engine.createVolume(aVolume(pool, { image, size: SIZE })));
  const write = ['bench', '--io-type', 'write', '--io-total', '8M', '--io-pattern', 'rand', 'a'];
  await pool.rbd(...write);
  const data = await pool.checksum('a');
  await bed.engine.createGroupSnapshot(aGroup(pool, 'set', volumes));
  await pool.rbd(...write);
  assert.notEqual(await pool.checksum('a'), data);
  return data;
}

async function restore(bed: Bed, pool: TestPool, image: string, differs: object = {}): Promise<void> {
  const snapshot = { ...anImage(pool.place, 'a'), snapshot: 'set' };
  await bed.engine.createVolume(aVolume(pool, { image, size: SIZE, source: { from: 'snapshot', snapshot }, ...differs }));
}
