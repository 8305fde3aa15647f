/** What Loligo did not make survives everything that is asked of it: whatever lies in its pools, and carries its metadata. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf, DriverBed, untilOk } from '../support/driver-bed.ts';
import { makeImage, makeImageWithSnapshot, seenIn } from '../support/foreign-images.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const OPTIONS = { 'creator-lifetime': '1', 'reap-interval': '1' };

test("a person's images, snapshots and trash survive requests for their names, and the reaper", async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  await bed.create('ours');
  await makeImageWithSnapshot(pool, 'theirs');
  await makeImage(pool, 'thrown-away');
  await pool.rbd('trash', 'mv', 'thrown-away');
  const before = await seenIn(pool, ['theirs']);

  const answers = {
    create: await answerOf(bed.csi.call('CreateVolume', bed.volume('theirs'))),
    delete: await answerOf(bed.csi.call('DeleteVolume', { volumeId: bed.handle('theirs') })),
    expand: await answerOf(bed.csi.call('ControllerExpandVolume', { volumeId: bed.handle('theirs'), ...ofSize(2 ** 30) })),
    snapshot: await answerOf(bed.csi.call('CreateSnapshot', { name: 'new', sourceVolumeId: bed.handle('theirs') })),
    deleteSnapshot: await answerOf(bed.csi.call('DeleteSnapshot', { snapshotId: `${bed.handle('theirs')}@kept` })),
    deleteTrashed: await answerOf(bed.csi.call('DeleteVolume', { volumeId: bed.handle('thrown-away') })),
  };
  await bed.deleteInTime(bed.handle('ours'));
  await sleep(3000); // Several rounds of the reaper.

  assert.deepEqual(await seenIn(pool, ['theirs']), before);
  assert.equal(answers.create.status, 'ALREADY_EXISTS', answers.create.details);
  assert.equal(answers.delete.status, 'FAILED_PRECONDITION', answers.delete.details);
  for (const { status } of [answers.expand, answers.snapshot]) assert.equal(status, 'NOT_FOUND');
  const { entries } = await bed.csi.call('ListVolumes', {});
  assert.deepEqual(entries, []);
});

test('a clone, a copy and a deep copy that a person makes of our volume survive the end of all that is ours', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const volume = await bed.create('ours');
  await pool.rbd('bench', '--io-type', 'write', '--io-total', '2M', 'ours');
  const snapshotId = await bed.snapshot('snap', volume);
  await pool.rbd('clone', '--rbd-default-clone-format', '2', ...fromTo(pool, 'ours@snap', 'their-clone'));
  await pool.rbd('cp', ...fromTo(pool, 'ours', 'their-copy'));
  await pool.rbd('deep', 'cp', ...fromTo(pool, 'ours', 'their-deep-copy'));
  const names = ['their-clone', 'their-copy', 'their-deep-copy'];
  const before = await seenIn(pool, names);

  await bed.deleteInTime(volume);
  await untilOk(() => bed.csi.call('DeleteSnapshot', { snapshotId }));
  const asked = names.map((name) => answerOf(bed.csi.call('DeleteVolume', { volumeId: bed.handle(name) })));
  const answers = await Promise.all(asked);
  await sleep(3000);

  assert.deepEqual(await pool.images(), names);
  assert.deepEqual((await seenIn(pool, names)).images, before.images);
  for (const { status, details } of answers) assert.equal(status, 'FAILED_PRECONDITION', details);
});

test("another Loligo's volumes, snapshots and trash in the same place are left to it", async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: { ...OPTIONS, instance: 'one' } });
  const { cluster, entry } = bed;
  await using other = await DriverBed.open(pool, {
    cluster,
    entry,
    options: { ...OPTIONS, instance: 'two', 'reap-interval': '3600' },
  });
  const retention = { mutableParameters: { deleteRetention: '2s' } };
  const kept = await other.create('kept');
  const snapshotId = await other.snapshot('snap', kept);
  await other.delete(await other.create('expired', retention));
  const aside = await other.create('aside');
  await other.snapshot('aside-snap', aside);
  await other.delete(aside);
  await bed.create('ours');
  const before = await seenIn(pool, ['kept']);

  const create = await answerOf(bed.csi.call('CreateVolume', bed.volume('kept')));
  const remove = await answerOf(bed.csi.call('DeleteVolume', { volumeId: kept }));
  const removeSnapshot = await answerOf(bed.csi.call('DeleteSnapshot', { snapshotId }));
  await bed.deleteInTime(bed.handle('ours'));
  await sleep(4000);

  assert.deepEqual(await seenIn(pool, ['kept']), before);
  assert.deepEqual(await pool.images(), ['aside.deleted', 'kept']);
  assert.equal(create.status, 'ALREADY_EXISTS', create.details);
  for (const { status, details } of [remove, removeSnapshot]) assert.equal(status, 'FAILED_PRECONDITION', details);
  const { entries } = await bed.csi.call('ListVolumes', {});
  assert.deepEqual(entries, []);
});

test('a cluster name that is moved to the wrong Ceph is FAILED_PRECONDITION there, whether its pool is marked or not', async () => {
  const ceph = sharedCeph();
  await using unmarked = await ceph.freshNamespace();
  await using marked = await ceph.freshNamespace();
  await using owner = await DriverBed.open(marked);
  await owner.create('same-name');
  await makeImageWithSnapshot(unmarked, 'same-name');
  await using bed = await DriverBed.open(await ceph.freshNamespace());
  const before = await seenIn(unmarked, ['same-name']);

  const answers = [];
  for (const place of [unmarked, marked]) {
    const volumeId = `${bed.cluster}/${place.spec}/same-name`;
    answers.push(await answerOf(bed.csi.call('DeleteVolume', { volumeId })));
    answers.push(await answerOf(bed.csi.call('DeleteSnapshot', { snapshotId: `${volumeId}@kept` })));
    answers.push(await answerOf(bed.csi.call('ControllerUnpublishVolume', { volumeId, nodeId: '' })));
    answers.push(await answerOf(bed.csi.call('ControllerGetVolume', { volumeId })));
  }

  for (const { status, details } of answers) assert.equal(status, 'FAILED_PRECONDITION', details);
  assert.deepEqual(await seenIn(unmarked, ['same-name']), before);
  assert.deepEqual(await marked.images(), ['same-name']);
  assert.deepEqual(await leftoversAfter(bed.pool, 0), []);
  await bed.pool[Symbol.asyncDispose]();
});

function fromTo(pool: TestPool, from: string, to: string): [string, string] {
  return [`${pool.spec}/${from}`, `${pool.spec}/${to}`];
}

function ofSize(requiredBytes: number): object {
  return { capacityRange: { requiredBytes: String(requiredBytes) } };
}
