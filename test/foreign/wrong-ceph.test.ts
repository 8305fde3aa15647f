/** The name of a cluster is moved to another Ceph under a running driver: it says so, and touches nothing there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answered, anEntry, answerOf, aVolumeIn, DriverBed, untilOk } from '../support/driver-bed.ts';
import { makeImage, makeImageWithSnapshot, seenIn } from '../support/foreign-images.ts';
import { MicroCeph, type TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const OPTIONS = { 'creator-lifetime': '1', 'reap-interval': '1' };

test('a running driver whose cluster becomes another Ceph answers FAILED_PRECONDITION and leaves alone what lies there', async () => {
  await using wrong = await MicroCeph.start();
  await using pool = await sharedCeph().freshNamespace();
  await using second = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  await makeOurs(bed, pool);
  await makeOurs(bed, second);
  // The same names over there: one place that nobody marked, and one of another Loligo, which does no housekeeping meanwhile.
  const unmarked = await wrong.freshNamespace(pool.namespace);
  const marked = await wrong.freshNamespace(second.namespace);
  await makeImageWithSnapshot(unmarked, 'v');
  await makeImage(unmarked, 'thrown-away');
  await unmarked.rbd('trash', 'mv', 'thrown-away');
  await using owner = await DriverBed.open(marked, { options: { 'reap-interval': '3600' } });
  await makeOurs(owner, marked);
  await owner.delete(await owner.create('expired'));
  const before = [await witnessed(unmarked), await witnessed(marked)];

  await bed.configure({ [bed.cluster]: await anEntry(wrong) });
  const inUnmarked = await askAll(bed, unmarked);
  const inMarked = await askAll(bed, marked);
  const create = await answerOf(bed.csi.call('CreateVolume', { name: 'v', ...aVolumeIn(bed.cluster, marked) }));
  const listed = await answerOf(bed.csi.call('ListVolumes', {}));
  await sleep(3000); // Several rounds of the reaper.
  const after = [await witnessed(unmarked), await witnessed(marked)];
  await bed.configure({ [bed.cluster]: bed.entry });
  const still = [await pool.images(), await second.images()];
  for (const place of [pool, second]) await deleteOurs(bed, place);

  checkAll(inUnmarked, 'POOL_NOT_OURS');
  checkAll({ ...inMarked, create }, 'WRONG_CLUSTER');
  assert.deepEqual(listed.value?.entries ?? [], []);
  assert.deepEqual(after, before);
  assert.deepEqual(still, [['v'], ['v']]);
  assert.deepEqual([await pool.images(), await second.images()], [[], []]);
});

async function makeOurs(bed: DriverBed, place: TestPool): Promise<void> {
  await untilOk(() => bed.csi.call('CreateVolume', { name: 'v', ...aVolumeIn(bed.cluster, place) }));
  await untilOk(() => bed.csi.call('CreateSnapshot', { name: `kept-${place.namespace}`, sourceVolumeId: idIn(bed, place) }));
}

async function deleteOurs(bed: DriverBed, place: TestPool): Promise<void> {
  const volumeId = idIn(bed, place);
  await untilOk(() => bed.csi.call('DeleteSnapshot', { snapshotId: `${volumeId}@kept-${place.namespace}` }));
  await bed.deleteInTime(volumeId);
}

function idIn(bed: DriverBed, place: TestPool): string {
  return `${bed.cluster}/${place.spec}/v`;
}

/** Every RPC that looks at a volume or snapshot, or changes one; the answers by method. */
async function askAll(bed: DriverBed, place: TestPool): Promise<Readonly<Record<string, Answered>>> {
  const volumeId = idIn(bed, place);
  const snapshotId = `${volumeId}@kept-${place.namespace}`;
  const requests: Readonly<Record<string, object>> = {
    DeleteVolume: { volumeId },
    DeleteSnapshot: { snapshotId },
    DeleteVolumeGroupSnapshot: { groupSnapshotId: `${bed.cluster}/${place.spec}/group`, snapshotIds: [snapshotId] },
    ControllerGetVolume: { volumeId },
    GetSnapshot: { snapshotId },
    ControllerExpandVolume: { volumeId, capacityRange: { requiredBytes: String(2 ** 27) } },
    ControllerModifyVolume: { volumeId, mutableParameters: { deleteRetention: '1h' } },
    ControllerUnpublishVolume: { volumeId, nodeId: '' },
    CreateSnapshot: { name: 'new', sourceVolumeId: volumeId },
  };
  const answers: Record<string, Answered> = {};
  // One after the other, or the lock on the volume would answer.
  for (const [method, request] of Object.entries(requests)) {
    answers[method] = await answerOf(bed.csi.call(method, request));
  }
  return answers;
}

function checkAll(answers: Readonly<Record<string, Answered>>, reason: string): void {
  for (const [method, { status, details }] of Object.entries(answers)) {
    assert.equal(status, 'FAILED_PRECONDITION', `${method}: ${details}`);
    assert.ok(details.includes(reason), `${method}: ${details}`);
  }
}

/** What people see in the place, and when each of its objects was written last. */
async function witnessed(place: TestPool): Promise<object> {
  const objects = await place.objects();
  const stats = await Promise.all(objects.map((name) => place.rados('stat', name)));
  return { names: await place.images(), seen: await seenIn(place, ['v']), stats };
}
