/** A class whose data pool is the pool itself: its CreateVolume was a conflict when it was asked again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, aVolumeIn, DriverBed } from '../support/driver-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

test('a volume whose data pool is its own pool is the same when it is asked for again', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  const { parameters } = aVolumeIn(bed.cluster, pool) as { parameters: object }; // as that function makes it
  const request = bed.volume('v', { parameters: { ...parameters, dataPool: pool.name } });

  const first = await answerOf(bed.csi.call('CreateVolume', request));
  const again = await answerOf(bed.csi.call('CreateVolume', request));

  assert.deepEqual([first.status, again.status, again.details], ['OK', 'OK', '']);
  assert.deepEqual(again.value, first.value);
  await bed.delete(first.value.volume.volumeId);
});
