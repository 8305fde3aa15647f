/** What a person does to an image, or writes on it, makes no listing fail and no call unforeseen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findHeader, listChildren } from '#ceph';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

const SMALL = { size: 64n * MiB };

test('an image with many shared lockers keeps no listing from being answered', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(aVolume(pool, { ...SMALL, image: 'ours' }));
  await pool.rbd('create', 'theirs', '--size', '64M');
  for (let locker = 0; locker < 14; locker += 1) {
    await pool.rbd('lock', 'add', '--shared', 'tag', 'theirs', `a-locker-of-somebody-with-a-rather-long-name-${locker}`);
  }

  assert.deepEqual(await listed(bed), ['ours']);
  const header = await findHeader(await bed.site.open(pool.place), await idOf(pool, 'theirs'), []);
  assert.equal(header?.lockers.length, 14);
});

test('records that no Loligo wrote make an image nobody’s volume, and are no reason to fail', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(aVolume(pool, { ...SMALL, image: 'ours' }));
  await pool.rbd('create', 'theirs', '--size', '64M');
  await pool.rbd('snap', 'create', 'theirs@kept');
  const whole = {
    v: 1,
    name: 'theirs',
    instance: bed.site.identity.instance,
    request: 'theirs',
    size: String(SMALL.size),
    source: '',
    mutable: { deleteRetention: 0, maxCloneDepth: 0, qos: {} },
    labels: {},
  };
  const odd: readonly string[] = [
    'x'.repeat(20_000),
    '{"v":1',
    JSON.stringify({ ...whole, size: 'NaN' }),
    JSON.stringify({ ...whole, size: '-1' }),
    JSON.stringify({ ...whole, mutable: {} }),
    JSON.stringify({ ...whole, mutable: { ...whole.mutable, deleteRetention: -1 } }),
    JSON.stringify({ ...whole, mutable: { ...whole.mutable, qos: { rbd_qos_iops_limit: {} } } }),
    JSON.stringify({ ...whole, labels: { pvc: 1 } }),
  ];

  for (const record of odd) {
    await pool.rbd('image-meta', 'set', 'theirs', 'loligo.volume', record);
    const about = record.slice(0, 200);
    assert.deepEqual(await listed(bed), ['ours'], about);
    await assert.rejects(
      bed.engine.createVolume(aVolume(pool, { ...SMALL, image: 'theirs' })),
      { kind: 'conflict', reason: 'IMAGE_NOT_OURS' },
      about,
    );
  }
});

test('long metadata that a person wrote keeps no snapshot from being listed', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const parent = await bed.engine.createVolume(aVolume(pool, { ...SMALL, image: 'parent' }));
  const snapshot = await bed.engine.createSnapshot(aSnapshot(parent, 's'));
  for (let key = 0; key < 4; key += 1) await pool.rbd('image-meta', 'set', 'parent', `note-${key}`, 'x'.repeat(100_000));

  const { snapshots } = await bed.engine.listSnapshots({ after: '', max: 0, source: undefined });

  assert.deepEqual(
    snapshots.map(({ snapshot: name }) => name),
    [snapshot.snapshot],
  );
});

test('the clones of a snapshot are counted, however many', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const parent = await bed.engine.createVolume(aVolume(pool, { ...SMALL, image: 'parent' }));
  const snapshot = await bed.engine.createSnapshot(aSnapshot(parent, 's'));
  const clones = Array.from({ length: 400 }, (_, index) => `clone-${index}`);
  const mutable = { deleteRetention: 0, maxCloneDepth: 0, qos: {} };

  await Promise.all(
    clones.map((image) =>
      bed.engine.createVolume(aVolume(pool, { ...SMALL, image, mutable, source: { from: 'snapshot', snapshot } })),
    ),
  );

  const io = await bed.site.open(pool.place);
  const header = await findHeader(io, await idOf(pool, 'parent'), []);
  assert.equal((await listChildren(io, header?.id ?? '', header?.snapshotIds[0] ?? 0n)).length, 400);
});

async function listed(bed: Bed): Promise<string[]> {
  const { volumes } = await bed.engine.listVolumes({ after: '', max: 0 });
  return volumes.map(({ image }) => image);
}

async function idOf(pool: TestPool, image: string): Promise<string> {
  return Object(await pool.rbdJson('info', image)).id;
}
