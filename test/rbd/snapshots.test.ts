import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import { leftovers } from '../support/leftovers.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aSnapshot, aVolume, GiB, MiB } from '../support/volume-specs.ts';

test('CreateSnapshot asked twice takes one snapshot', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(aVolume(pool, { image: 'v' }));

  const first = await bed.engine.createSnapshot(aSnapshot(volume, 's'));
  const again = await bed.engine.createSnapshot(aSnapshot(volume, 's'));

  assert.deepEqual(again, first);
  assert.deepEqual(await snapshotNames(pool, 'v'), ['s']);
  assert.ok(Math.abs(first.createdAt - Date.now()) < 60_000);
});

test('many asked for one snapshot at once, by two controllers, take one', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await using other = await engineBed(pool);
  const volume = await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  const askers = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? bed : other).engine);

  const answers = await Promise.allSettled(askers.map((engine) => engine.createSnapshot(aSnapshot(volume, 's'))));
  await bed.engine.createSnapshot(aSnapshot(volume, 's'));

  const reasons = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.kind] : []));
  assert.deepEqual(
    reasons.filter((kind) => kind !== 'busy' && kind !== 'unfinished'),
    [],
  );
  assert.deepEqual(await snapshotNames(pool, 'v'), ['s']);
});

test('snapshots of sixteen volumes at once share the monitors commit', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const names = Array.from({ length: 16 }, (_, index) => `v-${index}`);
  const volumes = await Promise.all(names.map((image) => bed.engine.createVolume(aVolume(pool, { image }))));

  const began = Date.now();
  await Promise.all(volumes.map((volume) => bed.engine.createSnapshot(aSnapshot(volume, `s-${volume.image}`))));
  const seconds = (Date.now() - began) / 1000;

  assert.ok(seconds < 6, `it took ${seconds} s`); // one after another they take 16
});

test('a name that another volume has a snapshot of is a conflict, until that is deleted', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const [one, two] = await Promise.all(['one', 'two'].map((image) => bed.engine.createVolume(aVolume(pool, { image }))));
  assert.ok(one && two);
  await bed.engine.createSnapshot(aSnapshot(one, 's'));

  await assert.rejects(bed.engine.createSnapshot(aSnapshot(two, 's')), { kind: 'conflict', reason: 'SNAPSHOT_DIFFERS' });
  await bed.engine.deleteSnapshot(aSnapshot(one, 's'));
  await bed.engine.createSnapshot(aSnapshot(two, 's'));

  assert.deepEqual(await snapshotNames(pool, 'two'), ['s']);
});

test('X4: a name whose volume is gone without a trace is taken over', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool, { creatorLife: 3600 });
  const [one, two] = await Promise.all(['one', 'two'].map((image) => bed.engine.createVolume(aVolume(pool, { image }))));
  assert.ok(one && two);
  await bed.engine.createSnapshot(aSnapshot(one, 's'));
  await pool.rbd('snap', 'purge', 'one');
  await pool.rbd('rm', 'one');

  await bed.engine.createSnapshot(aSnapshot(two, 's'));

  assert.deepEqual(await snapshotNames(pool, 'two'), ['s']);
});

test('a lost index changes no answer and keeps no snapshot from being deleted', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  const taken = await bed.engine.createSnapshot(aSnapshot(volume, 's'));
  for (const object of await pool.objects()) if (object.startsWith('loligo.snapshots.')) await pool.rados('rm', object);

  const again = await bed.engine.createSnapshot(aSnapshot(volume, 's'));
  const listed = await bed.engine.listSnapshots({ after: '', max: 0, source: undefined });
  await bed.engine.deleteSnapshot(taken);

  assert.deepEqual(again, taken);
  assert.deepEqual(listed.snapshots, [taken]);
  assert.deepEqual(await snapshotNames(pool, 'v'), []);
});

test('DeleteSnapshot leaves clones alive, and asked again it is done', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const snapshot = await aSnapshotOf(bed, pool, 'v');
  await bed.engine.createVolume(aVolume(pool, { image: 'clone', size: 64n * MiB, source: { from: 'snapshot', snapshot } }));

  await bed.engine.deleteSnapshot(snapshot);
  await bed.engine.deleteSnapshot(snapshot);

  assert.deepEqual(await snapshotNames(pool, 'v'), []);
  const { parent } = (await pool.rbdJson('info', 'clone')) as { parent: { image: string } }; // the shape of `rbd info`
  assert.equal(parent.image, 'v');
});

test('S2: a snapshot that somebody else took is never removed nor made ours', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  await pool.rbd('snap', 'create', 'v@theirs');

  await assert.rejects(bed.engine.deleteSnapshot(aSnapshot(volume, 'theirs')), {
    kind: 'precondition',
    reason: 'SNAPSHOT_NOT_OURS',
  });
  await assert.rejects(bed.engine.createSnapshot(aSnapshot(volume, 'theirs')), { kind: 'conflict', reason: 'SNAPSHOT_NOT_OURS' });
  const seen = await bed.engine.getSnapshot(aSnapshot(volume, 'theirs'));
  const { snapshots } = await bed.engine.listSnapshots({ after: '', max: 0, source: undefined });

  assert.equal(seen.size, GiB);
  assert.deepEqual(snapshots, []);
  assert.deepEqual(await snapshotNames(pool, 'v'), ['theirs']);
});

test('a snapshot that a Loligo of another name took is never removed', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await using other = await engineBed(pool, { instance: 'another' });
  const snapshot = await aSnapshotOf(bed, pool, 'v');

  await assert.rejects(other.engine.deleteSnapshot(snapshot), { kind: 'precondition', reason: 'SNAPSHOT_NOT_OURS' });

  assert.deepEqual(await snapshotNames(pool, 'v'), ['s-v']);
});

test('a deleted volume keeps its snapshots, and goes with the last of them', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const first = await aSnapshotOf(bed, pool, 'v');
  const second = await bed.engine.createSnapshot(aSnapshot(first, 'second'));
  await bed.engine.deleteVolume(anImage(pool.place, 'v'));

  assert.deepEqual(await bed.engine.getSnapshot(second), second);
  await assert.rejects(bed.engine.createSnapshot(aSnapshot(first, 'third')), { kind: 'not-found' });
  await bed.engine.deleteSnapshot(first);
  assert.deepEqual(await pool.images(), ['v.deleted']);
  await bed.engine.deleteSnapshot(second);

  assert.deepEqual(await pool.images(), []);
  assert.deepEqual(await leftovers(pool, bed), []);
});

test('a snapshot on a full pool is refused at once, leaves nothing, and deletions work', async () => {
  const ceph = sharedCeph();
  await using pool = await ceph.freshPool();
  await using bed = await engineBed(pool);
  const snapshot = await aSnapshotOf(bed, pool, 'v');
  await bed.engine.createVolume(aVolume(pool, { image: 'w', size: 64n * MiB }));
  await fill(pool);

  const began = Date.now();
  await assert.rejects(bed.engine.createSnapshot(aSnapshot(anImage(pool.place, 'w'), 'late')), { kind: 'exhausted' });
  const seconds = (Date.now() - began) / 1000;
  await bed.engine.deleteSnapshot(snapshot);
  await bed.engine.deleteVolume(snapshot);
  await bed.engine.deleteVolume(anImage(pool.place, 'w'));

  assert.ok(seconds < 5, `it took ${seconds} s`);
  assert.deepEqual(await leftovers(pool, bed), ['filler']);
});

/** A quota below what is there already, and the wait until the monitor says so. */
async function fill(pool: TestPool): Promise<void> {
  await pool.rados('put', 'filler', '/proc/self/exe');
  await pool.ceph.ceph('osd', 'pool', 'set-quota', pool.name, 'max_bytes', '4096');
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const { checks } = (await pool.ceph.cephJson('health')) as { checks: Record<string, unknown> }; // the shape of `ceph health`
    if ('POOL_FULL' in checks) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  throw new Error('the pool did not get full');
}

async function aSnapshotOf(
  bed: Bed,
  pool: TestPool,
  image: string,
): Promise<Awaited<ReturnType<typeof bed.engine.createSnapshot>>> {
  const volume = await bed.engine.createVolume(aVolume(pool, { image, size: 64n * MiB }));
  return await bed.engine.createSnapshot(aSnapshot(volume, `s-${image}`));
}

async function snapshotNames(pool: TestPool, image: string): Promise<string[]> {
  const listed = (await pool.rbdJson('snap', 'ls', image)) as { name: string }[]; // the shape of `rbd snap ls`
  return listed.map(({ name }) => name);
}

test('a snapshot that outlives its volume is found, listed, cloned and deleted also when a new volume has the name', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const old = await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  const snapshot = await bed.engine.createSnapshot(aSnapshot(old, 'of-the-old'));
  await bed.engine.deleteVolume(old);
  const young = await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  await bed.engine.createSnapshot(aSnapshot(young, 'of-the-new'));

  const found = await bed.engine.getSnapshot(snapshot);
  const clone = await bed.engine.createVolume(aVolume(pool, { image: 'clone', source: { from: 'snapshot', snapshot } }));
  const listed = await bed.engine.listSnapshots({ after: '', max: 1, source: anImage(pool.place, 'v') });
  const rest = await bed.engine.listSnapshots({ after: listed.next, max: 0, source: anImage(pool.place, 'v') });
  await bed.engine.deleteSnapshot(snapshot);

  assert.deepEqual(found, snapshot);
  assert.deepEqual([...listed.snapshots, ...rest.snapshots].map((one) => one.snapshot).toSorted(), ['of-the-new', 'of-the-old']);
  assert.deepEqual(await snapshotNames(pool, 'v'), ['of-the-new']);
  await bed.engine.deleteSnapshot({ ...anImage(pool.place, 'v'), snapshot: 'of-the-new' });
  for (const volume of [clone, young]) await bed.engine.deleteVolume(anImage(volume, volume.image));
  assert.deepEqual(await leftovers(pool, bed), []);
});
