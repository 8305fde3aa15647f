/** Controllers keep house in one place by turns, and who dies in the middle holds up the others for seconds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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

  assert.deepEqual(reaped.map(({ purged, isOthersTurn }) => [purged, isOthersTurn]).sort(), [
    [0, true],
    [0, true],
    [0, true],
    [VOLUMES, false],
  ]);
  assert.deepEqual(await leftoversAfter(pool, 1), []);
});

test('the turn of a controller that died ends by itself', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(aVolume(pool, { image: 'v', size: MiB }));
  await bed.engine.deleteVolume(anImage(pool.place, 'v'));
  const turn = `reaper/${bed.site.identity.instance}`;
  await pool.rados('lock', 'get', 'loligo.work', turn, '--lock-cookie', 'dead', '--lock-duration', '2');

  const first = await bed.engine.reap(pool.place);
  await sleep(2500);
  const second = await bed.engine.reap(pool.place);

  assert.deepEqual([first.purged, first.isOthersTurn], [0, true]);
  assert.deepEqual([second.purged, second.isOthersTurn], [1, false]);
});
