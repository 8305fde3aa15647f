/**
 * A deleted volume that has snapshots lives on as `<name>.deleted`, and a new volume may have its name. A snapshot's handle
 * is of both, so a name that one of them has a snapshot of is taken for the other.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SnapshotSpec } from '#rbd';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import { leftovers } from '../support/leftovers.ts';
import { meanwhile } from '../support/meanwhile.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aGroup, anImage, aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

const TAKEN = { kind: 'conflict', reason: 'SNAPSHOT_DIFFERS', message: /earlier volume/ };
/** Whoever is asked may still be at work when another comes. */
const ALIVE = { creatorLife: 3600 };

test('a name that the earlier volume has a snapshot of is taken for the new one, until that is deleted', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const old = await bed.engine.createVolume(aVolume(pool, { image: 'v', size: 64n * MiB }));
  const snapshot = await bed.engine.createSnapshot(aSnapshot(old, 's'));
  await makeAnew(bed, pool, 128n * MiB);

  await assert.rejects(bed.engine.createSnapshot(aSnapshot(old, 's')), TAKEN);
  const { snapshots } = await bed.engine.listSnapshots({ after: '', max: 0, source: undefined });
  const found = await bed.engine.getSnapshot(snapshot);
  const key = await claimOf(pool, 's');
  await bed.engine.deleteSnapshot(snapshot);
  const ofTheNew = await bed.engine.createSnapshot(aSnapshot(old, 's'));

  assert.deepEqual(snapshots, [snapshot]);
  assert.deepEqual(found, snapshot);
  assert.match(key, /v/);
  assert.equal(ofTheNew.size, 128n * MiB);
  assert.deepEqual(await allSnapshots(pool), ['v@s']);
});

test('the same when the index was lost, and when its keys are of a Loligo that wrote no ids', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const old = await bed.engine.createVolume(aVolume(pool, { image: 'v', size: 64n * MiB }));
  for (const name of ['lost', 'no-id']) await bed.engine.createSnapshot(aSnapshot(old, name));
  await makeAnew(bed, pool, 128n * MiB);
  await pool.rados('rmomapkey', shardOf('lost'), 'snapshot/lost');
  const { v, sources, instance, since } = JSON.parse(await claimOf(pool, 'no-id'));
  await setClaim(pool, 'no-id', { v, sources, instance, since });

  for (const name of ['lost', 'no-id']) await assert.rejects(bed.engine.createSnapshot(aSnapshot(old, name)), TAKEN);

  assert.deepEqual(await allSnapshots(pool), ['v.deleted@lost', 'v.deleted@no-id']);
});

test('a call that was cut off before Loligo wrote ids is finished by its repetition', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool, ALIVE);
  const volume = await bed.engine.createVolume(aVolume(pool, { image: 'v', size: 64n * MiB }));
  await bed.engine.createSnapshot(aSnapshot(volume, 's'));
  const { v, sources, instance, since } = JSON.parse(await claimOf(pool, 's'));
  await bed.engine.deleteSnapshot(aSnapshot(volume, 's'));
  await setClaim(pool, 's', { v, sources, instance, since });

  await bed.engine.createSnapshot(aSnapshot(volume, 's'));

  assert.deepEqual(await allSnapshots(pool), ['v@s']);
});

test('what a cut-off call of the earlier volume began stands in nobody’s way for ever', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await using patient = await engineBed(pool, ALIVE);
  const old = await bed.engine.createVolume(aVolume(pool, { image: 'v', size: 64n * MiB }));
  for (const name of ['s', 'keeps']) await bed.engine.createSnapshot(aSnapshot(old, name));
  // As if the call had been killed between its record and its snapshot.
  await pool.rbd('snap', 'rm', 'v@s');
  await makeAnew(bed, pool, 64n * MiB);

  await assert.rejects(patient.engine.createSnapshot(aSnapshot(old, 's')), { kind: 'busy', reason: 'NAME_CONTENDED' });
  await bed.engine.createSnapshot(aSnapshot(old, 's'));
  for (const name of ['s', 's', 'keeps']) await bed.engine.deleteSnapshot(aSnapshot(old, name));
  await bed.engine.deleteVolume(anImage(old, 'v'));

  assert.deepEqual(await leftovers(pool, bed), []);
});

const MOMENTS: Readonly<Record<string, string>> = {
  'before its name was claimed': 'claim',
  'before its snapshot was taken': 'rbd_open_by_id',
};
for (const [when, moment] of Object.entries(MOMENTS)) {
  test(`a volume that is deleted and made anew ${when}, by another controller, gets one snapshot of the name`, async () => {
    await using pool = await sharedCeph().freshNamespace();
    await using one = await engineBed(pool, ALIVE);
    await using other = await engineBed(pool, ALIVE);
    const old = await one.engine.createVolume(aVolume(pool, { image: 'v', size: 64n * MiB }));
    await one.engine.createSnapshot(aSnapshot(old, 'keeps'));
    const want = aSnapshot(old, 's');

    const outcomes: string[] = [];
    const race = meanwhile(
      one,
      ({ name, args }) => name === moment || (moment === 'claim' && name === 'rados_write_op_operate2' && isIndex(String(args[2]))),
      async () => {
        await makeAnew(other, pool, 64n * MiB);
        outcomes.push(await outcomeOf(other, want));
      },
    );
    outcomes.push(await outcomeOf(one, want));
    race.assertMet();

    assert.deepEqual(outcomes, moment === 'claim' ? ['OK', 'NAME_CONTENDED'] : ['NAME_CONTENDED', 'OK']);
    assert.deepEqual(await allSnapshots(pool), [moment === 'claim' ? 'v@s' : 'v.deleted@s', 'v.deleted@keeps'].toSorted());
  });
}

test('a member of a group snapshot takes the name as any snapshot does, and the other way round', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const old = await bed.engine.createVolume(aVolume(pool, { image: 'v', size: 64n * MiB }));
  const second = await bed.engine.createVolume(aVolume(pool, { image: 'w', size: 64n * MiB }));
  await bed.engine.createGroupSnapshot(aGroup(pool, 'g', [old, second]));
  await bed.engine.createSnapshot(aSnapshot(old, 's'));
  await makeAnew(bed, pool, 128n * MiB);

  await assert.rejects(bed.engine.createSnapshot(aSnapshot(old, 'g')), TAKEN);
  await assert.rejects(bed.engine.createGroupSnapshot(aGroup(pool, 's', [second, old])), TAKEN);
  await assert.rejects(bed.engine.createGroupSnapshot(aGroup(pool, 'g', [old, second])), TAKEN);
  const { snapshots } = await bed.engine.listSnapshots({ after: '', max: 0, source: undefined });
  await bed.engine.deleteGroupSnapshot({ ...pool.place, group: 'g' });
  await bed.engine.deleteSnapshot(aSnapshot(old, 's'));
  for (const name of ['s', 'g']) await bed.engine.createGroupSnapshot(aGroup(pool, name, [old, second]));
  for (const name of ['s', 'g']) await bed.engine.deleteGroupSnapshot({ ...pool.place, group: name });
  for (const { image } of [old, second]) await bed.engine.deleteVolume(anImage(pool.place, image));

  assert.deepEqual(snapshots.map(({ image, snapshot }) => `${image}@${snapshot}`).toSorted(), ['v@g', 'v@s', 'w@g']);
  assert.deepEqual(await leftovers(pool, bed), []);
});

/** Deletes the volume `v`, whose snapshots keep its image, and makes another one of that name. */
async function makeAnew({ engine }: Bed, pool: TestPool, size: bigint): Promise<void> {
  await engine.deleteVolume(anImage(pool.place, 'v'));
  await engine.createVolume(aVolume(pool, { image: 'v', size }));
}

async function outcomeOf({ engine }: Bed, want: SnapshotSpec): Promise<string> {
  return await engine.createSnapshot(want).then(
    () => 'OK',
    ({ reason }: { reason: string }) => reason,
  );
}

async function allSnapshots(pool: TestPool): Promise<string[]> {
  const found: string[] = [];
  for (const image of await pool.images()) {
    const listed = (await pool.rbdJson('snap', 'ls', image)) as { name: string }[]; // the shape of `rbd snap ls`
    found.push(...listed.map(({ name }) => `${image}@${name}`));
  }
  return found.toSorted();
}

function isIndex(object: string): boolean {
  return object.startsWith('loligo.snapshots.');
}

function shardOf(snapshot: string): string {
  return `loligo.snapshots.${createHash('sha256').update(`snapshot/${snapshot}`).digest().readUInt8() % 16}`;
}

async function claimOf(pool: TestPool, snapshot: string): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'loligo-claim-'));
  const file = join(folder.path, 'claim');
  await pool.rados('getomapval', shardOf(snapshot), `snapshot/${snapshot}`, file);
  return await readFile(file, 'utf8');
}

async function setClaim(pool: TestPool, snapshot: string, claim: object): Promise<void> {
  await pool.rados('setomapval', shardOf(snapshot), `snapshot/${snapshot}`, JSON.stringify(claim));
}
