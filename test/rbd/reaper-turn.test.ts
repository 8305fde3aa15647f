/** Controllers keep house in one place by turns, and who dies in the middle holds up the others for seconds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aVolume, MiB } from '../support/volume-specs.ts';

const VOLUMES = 24;

test('two controllers that keep house at once purge each image once, and leave nothing', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using one = await engineBed(pool);
  await using other = await engineBed(pool);
  const names = Array.from({ length: VOLUMES }, (_, index) => `v-${index}`);
  await Promise.all(names.map((image) => one.engine.createVolume(aVolume(pool, { image, size: MiB }))));
  await Promise.all(names.map((image) => one.engine.deleteVolume(anImage(pool.place, image))));

  const reaped = await Promise.all([one, other, one, other].map((bed: Bed) => bed.engine.reap(pool.place)));

  const purged = reaped.reduce((sum, pass) => sum + pass.purged, 0);
  assert.equal(purged, VOLUMES);
  assert.deepEqual(await leftoversAfter(pool, 1), []);
});

test('the turn of a controller that died ends by itself', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(aVolume(pool, { image: 'v', size: MiB }));
  await bed.engine.deleteVolume(anImage(pool.place, 'v'));
  await pool.rados('lock', 'get', 'loligo.work', 'reaper', '--lock-cookie', 'dead', '--lock-duration', '2');

  const before = Date.now();
  const { purged } = await bed.engine.reap(pool.place);

  assert.equal(purged, 1);
  assert.ok(Date.now() - before > 500, 'it waited for its turn');
});
