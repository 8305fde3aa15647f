/** Clones that are to be independent of their source become so behind the answer, with their data. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DriverBed, untilOk } from '../support/driver-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const OPTIONS = { 'reap-interval': '1', 'creator-lifetime': '3' };

test('a chain of clones gets no deeper than maxCloneDepth, and each link keeps its data', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const shallow = withParameters(bed, { maxCloneDepth: '2' });
  let last = await bed.create('link-0', shallow);
  await writeTo(pool, 'link-0');
  const data = await pool.checksum('link-0');

  for (const link of [1, 2, 3, 4]) {
    last = await bed.create(`link-${link}`, { ...shallow, volumeContentSource: { volume: { volumeId: last } } });
  }
  await until(async () => (await parentOf(pool, 'link-3')) === undefined);

  assert.equal(await depthOf(pool, 'link-2'), 2);
  assert.equal(await depthOf(pool, 'link-4'), 1);
  for (const link of ['link-2', 'link-3', 'link-4']) assert.equal(await pool.checksum(link), data);
});

test('what a class with flatten=true makes of a snapshot or a volume has no parent, and outlives its source', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const source = await bed.create('source');
  await writeTo(pool, 'source');
  const data = await pool.checksum('source');
  const snapshotId = await bed.snapshot('snap', source);
  const flat = withParameters(bed, { flatten: 'true' });

  await bed.create('restored', { ...flat, volumeContentSource: { snapshot: { snapshotId } } });
  await bed.create('cloned', { ...flat, volumeContentSource: { volume: { volumeId: source } } });
  for (const image of ['restored', 'cloned']) await until(async () => (await parentOf(pool, image)) === undefined);
  await bed.csi.call('DeleteSnapshot', { snapshotId });
  await bed.deleteInTime(source);
  await until(async () => (await pool.rbd('trash', 'ls', '--all')) === '');

  for (const image of ['restored', 'cloned']) assert.equal(await pool.checksum(image), data);
  for (const image of ['restored', 'cloned']) await bed.deleteInTime(bed.handle(image));
  assert.deepEqual(await leftoversAfter(pool, 30), []);
});

test('a snapshot and a clone of a volume that is being flattened have all of its data', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const slow = { objectSize: '64Ki' }; // many objects, so that the flatten takes a while
  const source = await bed.create('source', withParameters(bed, slow));
  await writeTo(pool, 'source');
  const data = await pool.checksum('source');
  const flat = withParameters(bed, { ...slow, flatten: 'true' });
  const volumeId = await bed.create('cloned', { ...flat, volumeContentSource: { volume: { volumeId: source } } });

  const [snapshotId] = await Promise.all([
    bed.snapshot('early', volumeId),
    bed.create('again', { ...withParameters(bed, slow), volumeContentSource: { volume: { volumeId } } }),
    untilOk(() => bed.csi.call('CreateVolumeGroupSnapshot', { name: 'set', sourceVolumeIds: [volumeId] })),
  ]);
  await bed.create('restored', { ...withParameters(bed, slow), volumeContentSource: { snapshot: { snapshotId } } });
  const member = { snapshotId: `${volumeId}@set` };
  await bed.create('member', { ...withParameters(bed, slow), volumeContentSource: { snapshot: member } });

  assert.equal(await parentOf(pool, 'cloned'), undefined);
  for (const image of ['cloned', 'again', 'restored', 'member']) assert.equal(await pool.checksum(image), data, image);
});

function withParameters(bed: DriverBed, differs: object): object {
  const { parameters } = bed.volume('any') as { parameters: object }; // the bed's own request
  return { parameters: { ...parameters, ...differs } };
}

async function writeTo(pool: TestPool, image: string): Promise<void> {
  await pool.rbd('bench', '--io-type', 'write', '--io-pattern', 'rand', '--io-size', '64K', '--io-total', '4M', image);
}

/** The image above, as Ceph tells. */
async function parentOf(pool: TestPool, image: string): Promise<string | undefined> {
  const { parent } = (await pool.rbdJson('info', image)) as { parent?: { image: string } }; // the shape of `rbd info`
  return parent?.image;
}

async function depthOf(pool: TestPool, image: string): Promise<number> {
  const parent = await parentOf(pool, image);
  return parent === undefined ? 0 : 1 + (await depthOf(pool, parent));
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds()); ) {
    assert.ok(Date.now() < end, 'waited for half a minute');
    await sleep(300);
  }
}
