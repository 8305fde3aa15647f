/** Expansion takes the ranges that creation takes: whole MiB where that fits, else the smallest step of a block device. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineBed } from '../support/engine-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aVolume, MiB } from '../support/volume-specs.ts';

test('a volume grows to a limit that is no whole MiB', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = anImage(await bed.engine.createVolume(aVolume(pool, { image: 'v', size: 64n * MiB })), 'v');
  const tight = 64n * MiB + 4096n;

  const grown = await bed.engine.expandVolume({ volume, range: { required: tight, limit: tight } });
  const roomy = await bed.engine.expandVolume({ volume, range: { required: tight + 1n, limit: 0n } });

  assert.deepEqual([grown.size, roomy.size], [tight, 65n * MiB]);
  await assert.rejects(bed.engine.expandVolume({ volume, range: { required: 65n * MiB + 1n, limit: 65n * MiB + 2n } }), {
    kind: 'out-of-range',
    reason: 'SIZE_OVER_LIMIT',
  });
});
