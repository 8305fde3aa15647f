import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineBed } from '../support/engine-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aVolume, MiB } from '../support/volume-specs.ts';

test('a volume whose header is gone has lost its data, and one that never was is not found', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(aVolume(pool, { image: 'v', size: 64n * MiB }));
  const volume = anImage(pool.place, 'v');
  const { id } = (await pool.rbdJson('info', 'v')) as { id: string }; // the shape of `rbd info`

  const healthy = await bed.engine.volumeHealth(volume);
  await pool.rados('rm', `rbd_header.${id}`);
  const broken = await bed.engine.volumeHealth(volume);

  assert.deepEqual(healthy.entries, []);
  assert.deepEqual(
    broken.entries.map(({ status, reason }) => [status, reason]),
    [['data-loss', 'ImageHeaderMissing']],
  );
  await assert.rejects(bed.engine.volumeHealth(anImage(pool.place, 'none')), { kind: 'not-found' });
});

test('a full pool shows at each of its volumes, page by page, and at no other', async () => {
  const ceph = sharedCeph();
  await using pool = await ceph.freshPool();
  await using other = await ceph.freshNamespace();
  await using bed = await engineBed(pool);
  for (const image of ['a', 'b']) await bed.engine.createVolume(aVolume(pool, { image, size: 64n * MiB }));
  await bed.engine.createVolume(aVolume(other, { image: 'c', size: 64n * MiB }));
  await ceph.ceph('osd', 'pool', 'set-quota', pool.name, 'max_objects', '1');

  let first = await bed.engine.listVolumeHealth({ after: '', max: 1 });
  // The monitors' statistics are some seconds old.
  for (let attempt = 0; first.unhealthy.length === 0 && attempt < 60; attempt += 1) {
    await sleep(500);
    first = await bed.engine.listVolumeHealth({ after: '', max: 1 });
  }
  const rest = await bed.engine.listVolumeHealth({ after: first.next, max: 0 });

  const all = [...first.unhealthy, ...rest.unhealthy];
  assert.deepEqual(
    all.map(({ image }) => image),
    ['a', 'b'],
  );
  assert.deepEqual(
    all.map(({ entries }) => entries[0]?.reason),
    ['PoolFull', 'PoolFull'],
  );
});
