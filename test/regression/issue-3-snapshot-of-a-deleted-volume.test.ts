/** A snapshot, or a clone, that one controller makes while another deletes the volume: nothing stays behind, and nothing that was answered is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineBed } from '../support/engine-bed.ts';
import { leftovers } from '../support/leftovers.ts';
import { isWriteTo, meanwhile } from '../support/meanwhile.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aGroup, anImage, aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

const SMALL = { size: 64n * MiB };
/** So that what is young counts as somebody's work. */
const ALIVE = { creatorLife: 60 };

test('a snapshot that is taken of a volume which went to the trash meanwhile is dropped again', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using one = await engineBed(pool, ALIVE);
  await using other = await engineBed(pool, ALIVE);
  const volume = anImage(await one.engine.createVolume(aVolume(pool, { ...SMALL, image: 'v' })), 'v');
  const snapshot = aSnapshot(volume, 's');

  const race = meanwhile(
    one,
    ({ name }) => name === 'rbd_open_by_id',
    () => other.engine.deleteVolume(volume),
  );
  await assert.rejects(one.engine.createSnapshot(snapshot), { kind: 'busy', reason: 'IMAGE_VANISHED' });
  race.assertMet();

  await assert.rejects(one.engine.createSnapshot(snapshot), { kind: 'not-found' });
  assert.deepEqual(await leftovers(pool, one), []);
});

test('a snapshot that was answered while the volume was being deleted lives on', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using one = await engineBed(pool, ALIVE);
  await using other = await engineBed(pool, ALIVE);
  const volume = anImage(await one.engine.createVolume(aVolume(pool, { ...SMALL, image: 'v' })), 'v');
  const snapshot = aSnapshot(volume, 's');
  const header = `rbd_header.${await idOf(pool, 'v')}`;

  const race = meanwhile(
    other,
    (call) => isWriteTo(call, header),
    () => one.engine.createSnapshot(snapshot),
  );
  await other.engine.deleteVolume(volume);
  race.assertMet();

  assert.deepEqual(await pool.images(), ['v.deleted']);
  assert.equal((await one.engine.getSnapshot(snapshot)).snapshot, 's');
  assert.equal((await one.engine.createSnapshot(snapshot)).snapshot, 's');
  await one.engine.deleteSnapshot(snapshot);
  assert.deepEqual(await leftovers(pool, one), []);
});

test('nobody is told of a snapshot whose volume another is about to move to the trash', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using one = await engineBed(pool, ALIVE);
  await using other = await engineBed(pool, ALIVE);
  const volume = anImage(await one.engine.createVolume(aVolume(pool, { ...SMALL, image: 'v' })), 'v');
  const snapshot = aSnapshot(volume, 's');

  const race = meanwhile(
    other,
    ({ name }) => name === 'rbd_trash_move',
    () => assert.rejects(one.engine.createSnapshot(snapshot), { kind: 'busy', reason: 'IMAGE_VANISHED' }),
  );
  await other.engine.deleteVolume(volume);
  race.assertMet();

  await assert.rejects(one.engine.createSnapshot(snapshot), { kind: 'not-found' });
  assert.deepEqual(await leftovers(pool, one), []);
});

test('the last snapshot of a deleted volume is deleted also when the reaper moves that to the trash first', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using one = await engineBed(pool, ALIVE);
  await using other = await engineBed(pool, ALIVE);
  const volume = anImage(await one.engine.createVolume(aVolume(pool, { ...SMALL, image: 'v' })), 'v');
  await one.engine.createSnapshot(aSnapshot(volume, 's'));
  await one.engine.deleteVolume(volume);

  const race = meanwhile(
    one,
    ({ name }) => name === 'rbd_trash_move',
    () => other.engine.reap(pool.place),
  );
  await one.engine.deleteSnapshot(aSnapshot(volume, 's'));
  race.assertMet();

  assert.deepEqual(await leftovers(pool, one), []);
});

test('the reaper drops the snapshots of ours that a killed controller left in the trash, and never a person’s', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  for (const image of ['ours', 'kept']) {
    const volume = await bed.engine.createVolume(aVolume(pool, { ...SMALL, image }));
    await bed.engine.createSnapshot(aSnapshot(volume, `s-${image}`));
    await pool.rbd('snap', 'create', `${image}@loligo.clone-0123456789abcdef`);
  }
  await pool.rbd('snap', 'create', 'kept@a-persons');
  await bed.engine.createVolume(
    aVolume(pool, {
      ...SMALL,
      image: 'clone',
      source: { from: 'snapshot', snapshot: aSnapshot(anImage(pool.place, 'ours'), 's-ours') },
    }),
  );
  for (const image of ['ours', 'kept']) await moveToTrash(pool, image);

  await bed.engine.reap(pool.place);
  const held = await trash(pool);
  await bed.engine.deleteVolume(anImage(pool.place, 'clone'));
  await bed.engine.reap(pool.place);
  const reaped = await bed.engine.reap(pool.place);

  assert.deepEqual(held, ['kept', 'ours']);
  assert.deepEqual(await trash(pool), ['kept']);
  assert.deepEqual({ waiting: reaped.waiting, failed: reaped.failed }, { waiting: 1, failed: [] });
  await pool.rbd('trash', 'restore', await trashedId(pool, 'kept'));
  const snapshots = Object(await pool.rbdJson('snap', 'ls', 'kept'));
  assert.deepEqual(
    snapshots.map(({ name }: { name: string }) => name),
    ['a-persons'],
  );
});

test('a group snapshot of volumes of which one went to the trash meanwhile leaves nothing', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using one = await engineBed(pool, ALIVE);
  await using other = await engineBed(pool, ALIVE);
  const [a, b] = [anImage(pool.place, 'a'), anImage(pool.place, 'b')];
  for (const { image } of [a, b]) await one.engine.createVolume(aVolume(pool, { ...SMALL, image }));
  const group = aGroup(pool, 'g', [a, b]);

  const race = meanwhile(
    one,
    ({ name }) => name === 'rbd_group_snap_create2',
    // As one that looked before the volume came into the group.
    () => moveToTrash(pool, 'b'),
  );
  await assert.rejects(one.engine.createGroupSnapshot(group), { kind: 'busy', reason: 'IMAGE_VANISHED' });
  race.assertMet();

  await assert.rejects(other.engine.createGroupSnapshot(group), { kind: 'not-found' });
  await one.engine.deleteVolume(a);
  assert.deepEqual(await leftovers(pool, one), []);
});

/** As a deleter of ours that looked at the snapshots before these were taken. */
async function moveToTrash(pool: TestPool, image: string): Promise<void> {
  await pool.rbd('image-meta', 'set', image, 'loligo.deleted', new Date().toISOString());
  await pool.rbd('trash', 'mv', image);
}

async function trash(pool: TestPool): Promise<string[]> {
  return Object(await pool.rbdJson('trash', 'ls'))
    .map(({ name }: { name: string }) => name)
    .sort();
}

async function trashedId(pool: TestPool, image: string): Promise<string> {
  return Object(await pool.rbdJson('trash', 'ls')).find(({ name }: { name: string }) => name === image).id;
}

async function idOf(pool: TestPool, image: string): Promise<string> {
  return Object(await pool.rbdJson('info', image)).id;
}
