/** The GroupController service as a sidecar asks it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../support/csi-client.ts';
import { answerOf, aVolumeIn, DriverBed, untilOk } from '../support/driver-bed.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const ceph = sharedCeph();
const OPTIONS = { 'reap-interval': '1', 'creator-lifetime': '2' };

test('sets that share volumes, asked for at once by two drivers, are all taken, and no volume stays in a group', async () => {
  await using pool = await ceph.freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  await using other = await bed.startAnother();
  const [a, b, c] = await volumes(bed, 'a', 'b', 'c');
  const sets = { 'set-ab': [a, b], 'set-bc': [b, c] };

  const taken = await Promise.all(
    Object.entries(sets).map(([name, sourceVolumeIds], index) =>
      untilOk(() => (index === 1 ? other : bed).csi.call('CreateVolumeGroupSnapshot', { name, sourceVolumeIds })),
    ),
  );

  for (const [index, sources] of Object.values(sets).entries()) assert.deepEqual(sourcesOf(taken[index]), sources.toSorted());
  assert.deepEqual((await pool.rbd('group', 'list')).trim().split('\n'), Object.keys(sets).toSorted());
  for (const name of Object.keys(sets)) assert.equal(await pool.rbd('group', 'image', 'list', name), '');
  for (const image of await pool.images()) assert.doesNotMatch(await pool.rbd('info', image), /group/);

  for (const { groupSnapshot } of taken) await remove(bed, groupSnapshot);
  for (const volume of [a, b, c]) await bed.deleteInTime(volume);
  assert.deepEqual(await leftoversAfter(pool, 30), []);
});

test('a group snapshot is got as it was made, until it is deleted', async () => {
  await using pool = await ceph.freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const { groupSnapshot } = await taken(bed, 'set', await volumes(bed, 'a', 'b'));
  const { groupSnapshotId } = groupSnapshot;
  const snapshotIds = idsOf(groupSnapshot);

  const got = await bed.csi.call('GetVolumeGroupSnapshot', { groupSnapshotId, snapshotIds });
  const gotWithoutIds = await bed.csi.call('GetVolumeGroupSnapshot', { groupSnapshotId });
  const again = await taken(bed, 'set', [bed.handle('b'), bed.handle('a')]);
  const { entries } = await bed.csi.call('ListSnapshots', {});
  await remove(bed, groupSnapshot);
  await remove(bed, groupSnapshot);
  const gone = await answerOf(bed.csi.call('GetVolumeGroupSnapshot', { groupSnapshotId, snapshotIds }));

  assert.deepEqual(got, { groupSnapshot });
  assert.deepEqual(gotWithoutIds, { groupSnapshot });
  assert.deepEqual(again, { groupSnapshot });
  assert.deepEqual(
    entries.map(({ snapshot }: Message) => snapshot),
    groupSnapshot.snapshots,
  );
  for (const snapshot of groupSnapshot.snapshots) assert.equal(snapshot.groupSnapshotId, groupSnapshotId);
  assert.equal(gone.status, 'NOT_FOUND', gone.details);
});

test('snapshot_ids that are not those of the set are INVALID_ARGUMENT, and nothing is deleted', async () => {
  await using pool = await ceph.freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const { groupSnapshot } = await taken(bed, 'set', await volumes(bed, 'a', 'b'));
  const { groupSnapshotId } = groupSnapshot;
  const members = idsOf(groupSnapshot);
  const single = await bed.snapshot('single', bed.handle('a'));
  const wrong = [members.slice(0, 1), [...members, single], [single]];

  for (const snapshotIds of wrong) {
    for (const method of ['GetVolumeGroupSnapshot', 'DeleteVolumeGroupSnapshot']) {
      const { status, details } = await answerOf(bed.csi.call(method, { groupSnapshotId, snapshotIds }));
      assert.equal(status, 'INVALID_ARGUMENT', `${method} with ${snapshotIds.join(', ')}: ${details}`);
    }
  }
  const alone = await answerOf(bed.csi.call('DeleteSnapshot', { snapshotId: members[0] }));

  assert.equal(alone.status, 'INVALID_ARGUMENT', alone.details);
  assert.deepEqual(await bed.csi.call('GetVolumeGroupSnapshot', { groupSnapshotId }), { groupSnapshot });
});

test('a name with other volumes is ALREADY_EXISTS in whichever pool those lie, until the set is deleted', async () => {
  await using pool = await ceph.freshPool(`b-${process.pid}`);
  await using before = await ceph.freshPool(`a-${process.pid}`);
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const [x, y] = await volumes(bed, 'x', 'y');
  const early = await bed.create('early', aVolumeIn(bed.cluster, before));
  const set = await taken(bed, 'set', [x, early]);
  const others = [[x], [y], [x, y], [early], [early, y], [early, x, y]];

  const answers = await Promise.all(others.map((sources) => answerOf(taken(bed, 'set', sources))));
  const got = await bed.csi.call('GetVolumeGroupSnapshot', { groupSnapshotId: set.groupSnapshot.groupSnapshotId });
  await remove(bed, set.groupSnapshot);
  const free = await taken(bed, 'set', [y]);

  for (const [index, { status, details }] of answers.entries()) {
    assert.equal(status, 'ALREADY_EXISTS', `${others[index]?.join(', ')}: ${details}`);
  }
  assert.deepEqual(got, set);
  assert.deepEqual(sourcesOf(set), [early, x]);
  await remove(bed, free.groupSnapshot);
  for (const volume of [x, y, early]) await bed.deleteInTime(volume);
  for (const place of [pool, before]) assert.deepEqual(await leftoversAfter(place, 30), []);
});

test('sets that share a volume and lie in different pools, asked for at once, are both taken', async () => {
  await using pool = await ceph.freshPool(`b-${process.pid}`);
  await using before = await ceph.freshPool(`a-${process.pid}`);
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  await using other = await bed.startAnother();
  const [x, y] = await volumes(bed, 'x', 'y');
  const early = await bed.create('early', aVolumeIn(bed.cluster, before));

  const sets = await Promise.all([taken(bed, 'one', [early, x]), taken({ csi: other.csi }, 'two', [x, y])]);

  assert.deepEqual(sets.map(sourcesOf), [
    [early, x],
    [x, y],
  ]);
  for (const place of [pool, before]) {
    for (const image of await place.images()) assert.doesNotMatch(await place.rbd('info', image), /group/);
  }
});

async function volumes(bed: DriverBed, ...names: readonly string[]): Promise<[string, string, string]> {
  const [a = '', b = '', c = ''] = await Promise.all(names.map((name) => bed.create(name)));
  return [a, b, c].filter((id) => id !== '') as [string, string, string]; // as many as names were given
}

async function taken(bed: Pick<DriverBed, 'csi'>, name: string, sourceVolumeIds: readonly string[]): Promise<Message> {
  return await untilOk(() => bed.csi.call('CreateVolumeGroupSnapshot', { name, sourceVolumeIds }));
}

async function remove(bed: DriverBed, groupSnapshot: Message): Promise<void> {
  const { groupSnapshotId } = groupSnapshot;
  await untilOk(() => bed.csi.call('DeleteVolumeGroupSnapshot', { groupSnapshotId, snapshotIds: idsOf(groupSnapshot) }));
}

function idsOf(groupSnapshot: Message): string[] {
  return groupSnapshot.snapshots.map(({ snapshotId }: Message) => snapshotId);
}

function sourcesOf({ groupSnapshot }: Message): string[] {
  return groupSnapshot.snapshots.map(({ sourceVolumeId }: Message) => sourceVolumeId).toSorted();
}
