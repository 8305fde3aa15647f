/** The token behind a snapshot of a deleted volume, both with the longest names, was longer than CSI lets one be sent back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../support/csi-client.ts';
import { DriverBed, untilOk } from '../support/driver-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

test('snapshots with the longest names, of a deleted volume, are listed one a page', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  const volumeId = await bed.create('v'.repeat(80 - bed.handle('').length));
  const names = ['a', 'b', 'c'].map((letter) => letter.repeat(47));
  const snapshots = await Promise.all(names.map((name) => bed.snapshot(name, volumeId)));
  await bed.delete(volumeId);

  const listed: string[] = [];
  const tokens: string[] = [];
  for (let startingToken = ''; tokens.length <= names.length; startingToken = tokens.at(-1) ?? '') {
    const page: Message = await bed.csi.call('ListSnapshots', { maxEntries: 1, startingToken });
    listed.push(...page.entries.map(({ snapshot }: Message) => snapshot.snapshotId));
    if (page.nextToken === '') break;
    tokens.push(page.nextToken);
  }

  assert.deepEqual(
    listed.filter((id) => snapshots.includes(id)),
    snapshots,
  );
  assert.deepEqual(
    tokens.filter((token) => token.length > 128),
    [],
  );
  for (const snapshotId of snapshots) await untilOk(() => bed.csi.call('DeleteSnapshot', { snapshotId }));
});
