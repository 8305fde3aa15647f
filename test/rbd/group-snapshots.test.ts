import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import type { GroupSnapshot, GroupSnapshotSpec, ImageRef } from '#rbd';
import { diedAt } from '../support/died-at.ts';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import { leftovers } from '../support/leftovers.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aGroup, anImage, aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

test('a group snapshot asked for twice is one, and its volumes are in no group afterwards', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const want = aGroup(pool, 'set', await volumes(bed, pool, 'a', 'b'));

  const first = await bed.engine.createGroupSnapshot(want);
  const again = await bed.engine.createGroupSnapshot(want);
  const got = await bed.engine.getGroupSnapshot(want);

  assert.deepEqual(again, first);
  assert.deepEqual(got, first);
  assert.deepEqual(
    first.snapshots.map(({ image, snapshot }) => [image, snapshot]),
    [
      ['a', 'set'],
      ['b', 'set'],
    ],
  );
  assert.equal(await pool.rbd('group', 'image', 'list', 'set'), '');
  assert.deepEqual(await groupSnapshots(pool, 'set'), ['set']);
});

test('a name with other volumes is a conflict', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const [a, b, c] = await volumes(bed, pool, 'a', 'b', 'c');
  assert.ok(a && b && c);
  await bed.engine.createGroupSnapshot(aGroup(pool, 'set', [a, b]));

  const other = bed.engine.createGroupSnapshot(aGroup(pool, 'set', [a, c]));

  await assert.rejects(other, { kind: 'conflict', reason: 'GROUP_DIFFERS' });
});

test('sets that share a volume are taken at once, one behind the other', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool, { creatorLife: 60 });
  const [a, b, c] = await volumes(bed, pool, 'a', 'b', 'c');
  assert.ok(a && b && c);
  const sets = [aGroup(pool, 'one', [a, b]), aGroup(pool, 'two', [b, c]), aGroup(pool, 'three', [c, a])];

  const answers = await Promise.allSettled(sets.map((set) => retried(bed, set)));

  assert.deepEqual(
    answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.snapshots.length : answer.reason)),
    [2, 2, 2],
  );
  for (const { group } of sets) assert.equal(await pool.rbd('group', 'image', 'list', group), '');
});

test('a member is no snapshot to be deleted alone, and a volume of a set can be deleted before it', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const [a, b] = await volumes(bed, pool, 'a', 'b');
  assert.ok(a && b);
  const want = aGroup(pool, 'set', [a, b]);
  const taken = await bed.engine.createGroupSnapshot(want);

  await assert.rejects(bed.engine.deleteSnapshot(aSnapshot(a, 'set')), { kind: 'invalid', reason: 'SNAPSHOT_OF_GROUP' });
  await bed.engine.deleteVolume(a);
  assert.deepEqual(await bed.engine.getGroupSnapshot(want), taken);
  await bed.engine.deleteGroupSnapshot(want);
  await bed.engine.deleteGroupSnapshot(want);
  await bed.engine.deleteVolume(b);

  await assert.rejects(bed.engine.getGroupSnapshot(want), { kind: 'not-found' });
  assert.deepEqual(await leftovers(pool, bed), []);
});

test('G5: a group that somebody else made is left alone', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const [a, b] = await volumes(bed, pool, 'a', 'b');
  assert.ok(a && b);
  await pool.rbd('group', 'create', 'theirs');
  await pool.ceph.rbd('group', 'image', 'add', `${pool.spec}/theirs`, `${pool.spec}/a`);

  await assert.rejects(bed.engine.createGroupSnapshot(aGroup(pool, 'theirs', [a, b])), { reason: 'GROUP_NOT_OURS' });
  await assert.rejects(bed.engine.deleteGroupSnapshot(aGroup(pool, 'theirs', [])), { reason: 'GROUP_NOT_OURS' });
  await assert.rejects(bed.engine.createGroupSnapshot(aGroup(pool, 'ours', [a, b])), { reason: 'VOLUME_IN_GROUP' });

  assert.match(await pool.rbd('group', 'image', 'list', 'theirs'), /\/a\b/);
});

test('changed blocks of a member are what was written', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const [a, b] = await volumes(bed, pool, 'a', 'b');
  assert.ok(a && b);
  await pool.rbd('bench', '--io-type', 'write', '--io-size', '64K', '--io-total', '64K', '--io-pattern', 'seq', 'a');
  await bed.engine.createGroupSnapshot(aGroup(pool, 'set', [a, b]));
  await pool.rbd('bench', '--io-type', 'write', '--io-size', '64K', '--io-total', '4M', '--io-pattern', 'rand', 'a');

  const blocks = await bed.engine.changedBlocks({ snapshot: aSnapshot(a, 'set'), base: undefined, startingOffset: 0n, max: 100 });

  assert.deepEqual(blocks.extents, [{ offset: 0n, length: 65536n }]);
});

async function volumes(bed: Bed, pool: TestPool, ...names: readonly string[]): Promise<ImageRef[]> {
  await Promise.all(names.map((image) => bed.engine.createVolume(aVolume(pool, { image, size: 64n * MiB }))));
  return names.map((image) => anImage(pool.place, image));
}

/** As a sidecar asks: again while the answer is that something else is going on. */
async function retried(bed: Bed, want: GroupSnapshotSpec): Promise<GroupSnapshot> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await bed.engine.createGroupSnapshot(want);
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'busy' || attempt > 100) throw error;
      await sleep(200);
    }
  }
}

async function groupSnapshots(pool: TestPool, group: string): Promise<string[]> {
  const listed = (await pool.rbdJson('group', 'snap', 'list', group)) as { snapshot: string }[]; // the shape of `rbd group snap ls`
  return listed.map(({ snapshot }) => snapshot);
}

test('a volume that somebody has put into a group is not deleted, for it could never be purged', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const [a] = await volumes(bed, pool, 'a');
  assert.ok(a);
  await pool.rbd('group', 'create', 'theirs');
  await pool.ceph.rbd('group', 'image', 'add', `${pool.spec}/theirs`, `${pool.spec}/a`);

  await assert.rejects(bed.engine.deleteVolume(a), { kind: 'precondition', reason: 'VOLUME_IN_GROUP' });

  assert.deepEqual(await pool.images(), ['a']);
});

test('a volume that a cut-off group snapshot left in its group can be deleted', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const members = await volumes(bed, pool, 'a', 'b');
  const want = aGroup(pool, 'set', members);
  for (let call = 12; (await inGroup(pool, 'set')).length === 0; call += 1) {
    assert.ok(
      await diedAt(pool, bed, { operation: 'createGroupSnapshot', args: want, call }),
      'no death left a volume in the group',
    );
  }

  for (const volume of members) await bed.engine.deleteVolume(volume);
  await bed.engine.deleteGroupSnapshot(want);

  assert.deepEqual(await leftovers(pool, bed), []);
});

async function inGroup(pool: TestPool, group: string): Promise<string[]> {
  const groups = (await pool.rbd('group', 'list')).split('\n');
  if (!groups.includes(group)) return [];
  return (await pool.rbd('group', 'image', 'list', group)).split('\n').filter((line) => line !== '');
}
