/** The member of a group snapshot becomes a volume by a copy, which takes a while: it may be cut off, or called off. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf, DriverBed, untilOk } from '../support/driver-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

/** Bytes. Small objects make the copy slow: 512 of them, one after the other in ten rows. */
const SIZE = 32 * 2 ** 20;
const OPTIONS = { 'reap-interval': '1', 'creator-lifetime': '4' };

test('a copy whose agent is killed in the middle is made anew, by itself and once', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const { restore, data } = await aMember(bed);
  const first = await answerOf(bed.csi.call('CreateVolume', restore('restored')));
  const draft = await aDraft(pool);

  for (const agent of bed.driver.agents()) process.kill(agent, 'SIGKILL');
  const cutOff = await pool.images();
  await untilOk(() => bed.csi.call('CreateVolume', restore('restored')));

  assert.equal(first.status, 'ABORTED', first.details);
  assert.ok(cutOff.includes(draft) && !cutOff.includes('restored'), `in the middle there was: ${cutOff.join(', ')}`);
  assert.equal(await checksum(pool, 'restored'), data);
  assert.deepEqual(await endAll(bed), []);
});

test('a copy whose driver is killed in the middle is finished by the next driver, though nobody asks', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const { restore, data } = await aMember(bed);
  await answerOf(bed.csi.call('CreateVolume', restore('restored')));
  const draft = await aDraft(pool);

  await bed.crash();
  const cutOff = await pool.images();
  await forgetWatchers(pool, draft);
  for (const end = Date.now() + 60_000; !(await pool.images()).includes('restored') && Date.now() < end; ) await sleep(500);

  assert.ok(cutOff.includes(draft) && !cutOff.includes('restored'), `in the middle there was: ${cutOff.join(', ')}`);
  assert.equal(await checksum(pool, 'restored'), data);
  const { volume } = await untilOk(() => bed.csi.call('CreateVolume', restore('restored')));
  assert.equal(volume.volumeId, bed.handle('restored'));
  assert.deepEqual(await endAll(bed), []);
});

test('DeleteVolume calls a copy off, and leaves nothing of it', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const { restore } = await aMember(bed);
  await answerOf(bed.csi.call('CreateVolume', restore('restored')));
  const draft = await aDraft(pool);

  await untilOk(() => bed.csi.call('DeleteVolume', { volumeId: bed.handle('restored') }));
  const during = await pool.images();
  for (const end = Date.now() + 30_000; (await pool.images()).includes(draft) && Date.now() < end; ) await sleep(300);

  assert.ok(during.includes(draft), 'it was called off in the middle');
  assert.deepEqual(await pool.images(), ['a', 'b']);
  assert.deepEqual(await endAll(bed), []);
});

test('a copy that is called off and asked for again is made, by two drivers at once', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  await using other = await bed.startAnother();
  const { restore, data } = await aMember(bed);
  await answerOf(bed.csi.call('CreateVolume', restore('restored')));
  await aDraft(pool);

  await untilOk(() => other.csi.call('DeleteVolume', { volumeId: bed.handle('restored') }));
  await Promise.all([bed, other].map(({ csi }) => untilOk(() => csi.call('CreateVolume', restore('restored')))));

  assert.equal(await checksum(pool, 'restored'), data);
  assert.deepEqual(await endAll(bed), []);
});

/** What Ceph does by itself half a minute after a client has died. */
async function forgetWatchers(pool: TestPool, image: string): Promise<void> {
  const { watchers } = (await pool.rbdJson('status', image)) as { watchers: { address: string }[] }; // the shape of `rbd status`
  for (const { address } of watchers) await pool.ceph.ceph('osd', 'blocklist', 'add', address);
}

interface Member {
  /** What CreateVolume is asked for a copy of the member. */
  readonly restore: (name: string) => object;
  /** The checksum of what it holds. */
  readonly data: string;
}

/** A group snapshot of a volume full of data and of an empty one. */
async function aMember(bed: DriverBed): Promise<Member> {
  const { parameters } = bed.volume('any') as { parameters: object }; // the bed's own request
  const layout = { capacityRange: { requiredBytes: String(SIZE) }, parameters: { ...parameters, objectSize: '64Ki' } };
  const volumes = await Promise.all([bed.create('a', layout), bed.create('b', layout)]);
  const write = ['bench', '--io-type', 'write', '--io-pattern', 'seq', '--io-size', '1M', '--io-total', String(SIZE)];
  await bed.pool.rbd(...write, 'a');
  const data = await checksum(bed.pool, 'a');
  await untilOk(() => bed.csi.call('CreateVolumeGroupSnapshot', { name: 'set', sourceVolumeIds: volumes }));
  const volumeContentSource = { snapshot: { snapshotId: `${bed.handle('a')}@set` } };
  return { data, restore: (name) => bed.volume(name, { ...layout, volumeContentSource }) };
}

/** Waits until a copy is under way, and gives the name of the image that it grows in. */
async function aDraft(pool: TestPool): Promise<string> {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    const draft = (await pool.images()).find((image) => image.startsWith('loligo.copy-'));
    if (draft !== undefined) return draft;
  }
  throw new Error('no copy has begun');
}

/** Deletes all there is; gives what is left then. */
async function endAll(bed: DriverBed): Promise<string[]> {
  await untilOk(() => bed.csi.call('DeleteVolumeGroupSnapshot', { groupSnapshotId: bed.handle('set') }));
  for (const image of ['a', 'b', 'restored']) await bed.deleteInTime(bed.handle(image));
  return await leftoversAfter(bed.pool, 30);
}

async function checksum(pool: TestPool, image: string): Promise<string> {
  return createHash('sha256')
    .update(await pool.rbd('export', '--no-progress', image, '-'))
    .digest('hex');
}
