/** Changed blocks of what is large or striped finely came never, for what was read within a deadline was thrown away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../support/csi-client.ts';
import { aVolumeIn, DriverBed, untilOk } from '../support/driver-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

test('a large empty snapshot is answered in pages when it takes longer than one call may', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: { 'call-timeout': '4' } });
  const volumeId = await bed.create('large', { capacityRange: { requiredBytes: String(2 ** 38) } });
  const snapshotId = await bed.snapshot('empty', volumeId);

  const pages: Message[] = await untilOk(() => bed.csi.stream('GetMetadataAllocated', { snapshotId, maxResults: 0 }));

  assert.ok(pages.length > 0);
  assert.deepEqual(
    pages.flatMap((page) => page.blockMetadata),
    [],
  );
});

test('stripes finer than one C call may hand out are all there, in order', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  const { parameters } = aVolumeIn(bed.cluster, pool) as { parameters: object }; // as that function makes it
  const volumeId = await bed.create('striped', {
    capacityRange: { requiredBytes: String(2 ** 24) },
    parameters: { ...parameters, stripeUnit: '512', stripeCount: '2' },
  });
  await pool.rbd(
    'bench',
    '--io-type',
    'write',
    '--io-pattern',
    'seq',
    '--io-threads',
    '1',
    '--io-total',
    '12M',
    '--io-size',
    '1M',
    'striped',
  );
  const snapshotId = await bed.snapshot('snap', volumeId);

  const pages: Message[] = await bed.csi.stream('GetMetadataAllocated', { snapshotId, maxResults: 0 });

  const blocks = pages.flatMap((page) => page.blockMetadata).map(({ byteOffset, sizeBytes }) => [byteOffset, sizeBytes]);
  assert.deepEqual(blocks, [['0', String(12 * 2 ** 20)]]);
});
