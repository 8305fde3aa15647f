/** What keeps a volume with snapshots from being deleted, while an earlier one of its name has the name `<name>.deleted`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import { leftovers } from '../support/leftovers.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aGroup, anImage, aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

test('only snapshots that can be deleted are named: none that a clone holds, and a group’s by its name', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = anImage(pool.place, 'v');
  await make(bed, pool);
  await bed.engine.createVolume(aVolume(pool, { image: 'clone', size: 64n * MiB, source: { from: 'volume', volume } }));
  await bed.engine.createSnapshot(aSnapshot(volume, 'of-the-old'));
  await bed.engine.createGroupSnapshot(aGroup(pool, 'of-a-group', [volume]));
  await bed.engine.deleteVolume(volume);
  await make(bed, pool);
  await bed.engine.createSnapshot(aSnapshot(volume, 'of-the-new'));

  await assert.rejects(bed.engine.deleteVolume(volume), {
    kind: 'precondition',
    reason: 'DELETED_NAME_TAKEN',
    message: /delete those first: (of-the-old, of-a-group|of-a-group, of-the-old)$/,
  });
  await bed.engine.deleteSnapshot(aSnapshot(volume, 'of-the-old'));
  await bed.engine.deleteGroupSnapshot({ ...pool.place, group: 'of-a-group' });
  await bed.engine.deleteVolume(volume);

  assert.deepEqual(await pool.images(), ['clone', 'v.deleted']);
  await bed.engine.deleteSnapshot(aSnapshot(volume, 'of-the-new'));
  await bed.engine.deleteVolume(anImage(pool.place, 'clone'));
  assert.deepEqual(await leftovers(pool, bed), []);
});

test('an earlier volume whose last snapshot only clones hold gives its name back at once', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = anImage(pool.place, 'v');
  await make(bed, pool);
  const snapshot = await bed.engine.createSnapshot(aSnapshot(volume, 'of-the-old'));
  await bed.engine.createVolume(aVolume(pool, { image: 'clone', size: 64n * MiB, source: { from: 'snapshot', snapshot } }));
  await bed.engine.deleteVolume(volume);
  await make(bed, pool);
  await bed.engine.createSnapshot(aSnapshot(volume, 'of-the-new'));
  // As a DeleteSnapshot that was killed before it moved the image to the trash.
  await pool.rbd('snap', 'rm', 'v.deleted@of-the-old');

  await bed.engine.deleteVolume(volume);

  assert.deepEqual(await pool.images(), ['clone', 'v.deleted']);
  await bed.engine.deleteSnapshot(aSnapshot(volume, 'of-the-new'));
  await bed.engine.deleteVolume(anImage(pool.place, 'clone'));
  await bed.engine.deleteSnapshot(snapshot);
  assert.deepEqual(await leftovers(pool, bed), []);
});

test('an image of somebody else’s that has the name is named as that', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = anImage(pool.place, 'v');
  await make(bed, pool);
  await bed.engine.createSnapshot(aSnapshot(volume, 's'));
  await pool.rbd('create', '--size', '1M', 'v.deleted');

  await assert.rejects(bed.engine.deleteVolume(volume), { reason: 'DELETED_NAME_TAKEN', message: /v\.deleted is in the way/ });

  assert.deepEqual(await pool.images(), ['v', 'v.deleted']);
});

async function make({ engine }: Bed, pool: TestPool): Promise<void> {
  await engine.createVolume(aVolume(pool, { image: 'v', size: 64n * MiB }));
}
