/** A pool whose quota is reached takes nothing more, says so at once, and can be emptied. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf, DriverBed, untilOk } from '../support/driver-bed.ts';
import { engineBed } from '../support/engine-bed.ts';
import { ForeignImages } from '../support/foreign-images.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aVolume } from '../support/volume-specs.ts';

test('in a full pool creates, clones and snapshots are RESOURCE_EXHAUSTED at once and by name, and deletes work', async () => {
  await using pool = await sharedCeph().freshPool();
  const foreign = await ForeignImages.layIn(pool);
  await using bed = await DriverBed.open(pool, { options: { 'creator-lifetime': '2', 'reap-interval': '1' } });
  const volume = await bed.create('there');
  const snapshotId = await bed.snapshot('snap', volume);
  const doomed = await bed.create('doomed');
  await fill(pool);

  const refused = await Promise.all([
    answerOf(bed.csi.call('CreateVolume', bed.volume('new'))),
    answerOf(bed.csi.call('CreateVolume', bed.volume('restored', { volumeContentSource: { snapshot: { snapshotId } } }))),
    answerOf(bed.csi.call('CreateVolume', bed.volume('clone', { volumeContentSource: { volume: { volumeId: doomed } } }))),
    answerOf(bed.csi.call('CreateSnapshot', { name: 'more', sourceVolumeId: volume })),
    answerOf(bed.csi.call('CreateVolumeGroupSnapshot', { name: 'group', sourceVolumeIds: [doomed] })),
  ]);
  const capacity = await bed.csi.call('GetCapacity', { parameters: Reflect.get(bed.volume(''), 'parameters') });
  await untilOk(() => bed.csi.call('DeleteSnapshot', { snapshotId }));
  for (const handle of [volume, doomed]) await bed.deleteInTime(handle);

  for (const { status, details, took } of refused) {
    assert.equal(status, 'RESOURCE_EXHAUSTED', details);
    assert.match(details, /POOL_FULL/);
    assert.ok(details.includes(pool.name), details);
    assert.ok(took < 5000, `${took.toFixed(0)} ms: ${details}`);
  }
  assert.equal(capacity.availableCapacity, '0');
  assert.deepEqual(await pool.images(), [ForeignImages.image]);
  await pool.rados('rm', '--force-full', 'ballast');
  assert.deepEqual(await leftoversAfter(pool, 30, foreign.leftovers), []);
  await setQuota(pool, 0);
  await foreign.check();
  await bed.create('after');
});

test('of a volume’s two pools the one that is full is named, and that it is its quota', async () => {
  await using pool = await sharedCeph().freshPool();
  await using data = await sharedCeph().freshPool();
  await using bed = await engineBed(pool);
  const specs = ['there', 'new'].map((image) => {
    const volume = aVolume(pool, { image });
    return { ...volume, layout: { ...volume.layout, dataPool: data.name } };
  });
  const [there, more] = specs;
  assert.ok(there && more);
  await bed.engine.createVolume(there);
  await fill(pool);

  const refused = bed.engine.createVolume(more);

  const message = new RegExp(`^createVolume in ${pool.name}: the quota of the pool is reached`);
  await assert.rejects(refused, { kind: 'exhausted', reason: 'POOL_FULL', message });
  await bed.engine.deleteVolume(anImage(there, 'there'));
});

/** Writes more than the quota allows, and waits until the monitors have noticed. */
async function fill(pool: TestPool): Promise<void> {
  await pool.rados('put', 'ballast', process.execPath);
  await setQuota(pool, 1_000_000);
}

/** Sets the quota in bytes (0 for none), and waits until the pool is full, or no longer. */
async function setQuota(pool: TestPool, bytes: number): Promise<void> {
  await pool.ceph.ceph('osd', 'pool', 'set-quota', pool.name, 'max_bytes', String(bytes));
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(300)) {
    const { pools } = Object(await pool.ceph.cephJson('osd', 'dump'));
    const { flags_names: flags } = pools.find((found: { pool_name: string }) => found.pool_name === pool.name);
    if (String(flags).includes('full_quota') === bytes > 0) return;
  }
  throw new Error(`the monitors did not notice the quota of ${pool.name}`);
}
