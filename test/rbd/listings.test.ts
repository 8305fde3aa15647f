import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot, Volume } from '#rbd';
import { walkVolumes } from '../../src/rbd/walk-volumes.ts';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aSnapshot, aVolume, GiB, MiB } from '../support/volume-specs.ts';

test('volumes are listed page by page over pools and namespaces, and nothing foreign with them', async () => {
  const ceph = sharedCeph();
  await using one = await ceph.freshNamespace();
  await using two = await ceph.freshNamespace();
  await using bed = await engineBed(one);
  await using foreign = await engineBed(one, { instance: 'another' });
  await Promise.all(['a', 'b', 'c'].map((image) => bed.engine.createVolume(aVolume(one, { image }))));
  await Promise.all(['a', 'd'].map((image) => bed.engine.createVolume(aVolume(two, { image }))));
  await foreign.engine.createVolume(aVolume(one, { image: 'bb' }));
  await one.rbd('create', '--size', '1M', 'aa');
  await ceph.rbd('cp', `${one.spec}/a`, `${one.spec}/copy`);

  const pages = await allVolumes(bed, 2);
  const whole = await allVolumes(bed, 0);

  const wanted = [one, two].toSorted((x, y) => (x.spec < y.spec ? -1 : 1));
  const expected = wanted.flatMap((pool) => (pool === one ? ['a', 'b', 'c'] : ['a', 'd']).map((image) => `${pool.spec}/${image}`));
  assert.deepEqual(pages.map(specOf), expected);
  assert.deepEqual(whole, pages);
});

test('a listing goes on behind an item that was deleted meanwhile', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await Promise.all(['a', 'b', 'c'].map((image) => bed.engine.createVolume(aVolume(pool, { image }))));
  const first = await bed.engine.listVolumes({ after: '', max: 2 });
  await bed.engine.deleteVolume(anImage(pool.place, 'b'));

  const second = await bed.engine.listVolumes({ after: first.next, max: 2 });

  assert.deepEqual(
    second.volumes.map(({ image }) => image),
    ['c'],
  );
  assert.equal(second.next, '');
});

test('a token that is not ours is refused', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);

  for (const after of ['x', 'a/b/c/d', '../x', 'a/b@c@d']) {
    await assert.rejects(bed.engine.listVolumes({ after, max: 1 }), { kind: 'bad-token' });
    await assert.rejects(bed.engine.listSnapshots({ after, max: 1, source: undefined }), { kind: 'bad-token' });
  }
});

test('snapshots are listed page by page, those of deleted volumes too', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const taken: Snapshot[] = [];
  for (const image of ['v', 'w']) {
    const volume = await bed.engine.createVolume(aVolume(pool, { image, size: 64n * MiB }));
    for (const name of ['s1', 's2']) taken.push(await bed.engine.createSnapshot(aSnapshot(volume, `${image}-${name}`)));
  }
  await bed.engine.deleteVolume(anImage(pool.place, 'v'));

  const pages = await allSnapshots(bed, 1);
  const ofOne = await bed.engine.listSnapshots({ after: '', max: 0, source: anImage(pool.place, 'v') });
  const ofNone = await bed.engine.listSnapshots({ after: '', max: 0, source: anImage(pool.place, 'none') });

  assert.deepEqual(pages, taken);
  assert.deepEqual(ofOne.snapshots, taken.slice(0, 2));
  assert.deepEqual(ofNone.snapshots, []);
});

test('a pool that is deleted in the middle of a listing keeps no volume out of it', async () => {
  const ceph = sharedCeph();
  await using first = await ceph.freshPool();
  await using last = await ceph.freshPool();
  await using bed = await engineBed(first);
  await using later = await engineBed(first);
  const [before, after] = [first.name, last.name].toSorted();
  const between = `${before}-between`;
  await using gone = await ceph.freshPool(between);
  for (const pool of [first, gone, last]) await bed.engine.createVolume(aVolume(pool, { image: 'v' }));

  const seen: string[] = [];
  // `later` has opened none of the pools yet, `bed` all.
  const walks = [walkVolumes(bed.site, undefined, 0), walkVolumes(later.site, undefined, 0)];
  for (const walk of walks) seen.push(await nextPlace(walk));
  await ceph.ceph('osd', 'pool', 'rm', between, between, '--yes-i-really-really-mean-it');
  for (const walk of walks) seen.push(await nextPlace(walk));

  assert.deepEqual(seen, [before, before, after, after]);
});

test('a volume whose data pool was deleted is listed, said to be lost, and deleted; a name in another pool is a conflict', async () => {
  const ceph = sharedCeph();
  await using pool = await ceph.freshNamespace();
  await using bed = await engineBed(pool);
  const wanted = aVolume(pool, { image: 'v' });
  const layout = { ...wanted.layout, dataPool: '' };
  {
    await using data = await ceph.freshPool();
    layout.dataPool = data.name;
    await bed.engine.createVolume({ ...wanted, layout });
  }
  const volume = anImage(pool.place, 'v');

  const listed = await bed.engine.listVolumes({ after: '', max: 0 });
  const { entries } = await bed.engine.volumeHealth(volume);
  const again = bed.engine.createVolume(wanted);

  assert.match(String(listed.volumes[0]?.dataPool), /^\d+ \(deleted\)$/);
  assert.deepEqual(
    entries.map(({ status, reason }) => [status, reason]),
    [['inaccessible', 'PoolMissing']],
  );
  await assert.rejects(again, { kind: 'conflict', message: /another dataPool: \d+ \(deleted\)/ });
  await bed.engine.deleteVolume(volume);
  const { purged } = await bed.engine.reap(pool.place);
  assert.equal(purged, 1);
  assert.deepEqual(await pool.rbdJson('trash', 'ls', '--all'), []);
});

test('places that the credentials do not reach are left out', async () => {
  const ceph = sharedCeph();
  await using pool = await ceph.freshPool();
  await using other = await ceph.freshPool();
  const caps = { mon: 'profile rbd', osd: `profile rbd pool=${pool.name}` };
  const user = { user: pool.name, key: await ceph.createUser(pool.name, caps) };
  await using admin = await engineBed(other, { instance: 'shared' });
  await using limited = await engineBed(pool, { instance: 'shared' }, user);
  await admin.engine.createVolume(aVolume(other, { image: 'far' }));
  await limited.engine.createVolume(aVolume(pool, { image: 'near' }));

  const places = await limited.engine.findPlaces({});
  const { volumes } = await limited.engine.listVolumes({ after: '', max: 0 });

  assert.deepEqual(places, [pool.place]);
  assert.deepEqual(
    volumes.map(({ image }) => image),
    ['near'],
  );
});

test('a volume grows, never shrinks, and keeps to its limit', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  const volume = anImage(pool.place, 'v');
  const expand = (required: bigint, limit = 0n): Promise<{ size: bigint }> =>
    bed.engine.expandVolume({ volume, range: { required, limit } });

  assert.deepEqual(await expand(2n * GiB), { size: 2n * GiB });
  assert.deepEqual(await expand(1n), { size: 2n * GiB });
  await assert.rejects(expand(1n, GiB), { kind: 'out-of-range' });
  await assert.rejects(bed.engine.expandVolume({ volume: anImage(volume, 'none'), range: { required: 1n, limit: 0n } }), {
    kind: 'not-found',
  });

  const { size } = (await pool.rbdJson('info', 'v')) as { size: number }; // the shape of `rbd info`
  assert.equal(BigInt(size), 2n * GiB);
});

test('ModifyVolume changes what is given; a quota bounds the capacity, and a full pool shows in the health', async () => {
  await using pool = await sharedCeph().freshPool();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(aVolume(pool, { image: 'v', mutable: { deleteRetention: 7, maxCloneDepth: 3, qos: {} } }));
  const volume = anImage(pool.place, 'v');
  await pool.ceph.ceph('osd', 'pool', 'set-quota', pool.name, 'max_bytes', String(100n * MiB));

  await bed.engine.modifyVolume({ volume, mutable: { maxCloneDepth: 9, qos: { rbd_qos_iops_limit: '500' } } });
  const { mutable } = await bed.engine.getVolume(volume);
  const { available } = await bed.engine.capacity({ ...pool.place, dataPool: '' });
  const health = await bed.engine.volumeHealth(volume);

  assert.deepEqual(mutable, { deleteRetention: 7, maxCloneDepth: 9, qos: { rbd_qos_iops_limit: '500' } });
  assert.match(await pool.rbd('config', 'image', 'list', 'v'), /rbd_qos_iops_limit\s+500\s+image/);
  assert.ok(available > 90n * MiB && available <= 100n * MiB, `${available}`);
  assert.deepEqual(health.entries, []);
  await assert.rejects(bed.engine.capacity({ ...pool.place, dataPool: 'none' }), { reason: 'POOL_MISSING' });
});

async function nextPlace(walk: ReturnType<typeof walkVolumes>): Promise<string> {
  const { value } = await walk.next();
  return value?.io.pool ?? 'none';
}

async function allVolumes(bed: Bed, max: number): Promise<Volume[]> {
  const all: Volume[] = [];
  for (let after = ''; ; ) {
    const { volumes, next } = await bed.engine.listVolumes({ after, max });
    all.push(...volumes);
    if (next === '') return all;
    after = next;
  }
}

async function allSnapshots(bed: Bed, max: number): Promise<Snapshot[]> {
  const all: Snapshot[] = [];
  for (let after = ''; ; ) {
    const { snapshots, next } = await bed.engine.listSnapshots({ after, max, source: undefined });
    all.push(...snapshots);
    if (next === '') return all;
    after = next;
  }
}

function specOf({ pool, namespace, image }: Volume): string {
  return `${namespace === '' ? pool : `${pool}/${namespace}`}/${image}`;
}
