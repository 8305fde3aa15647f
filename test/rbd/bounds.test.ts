/** What a Ceph cannot take is refused by name before anything is made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeImage } from '../../src/rbd/look.ts';
import { checkSnapshotRoom } from '../../src/rbd/snapshot-room.ts';
import { listWork } from '../../src/rbd/work-index.ts';
import { engineBed } from '../support/engine-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aSnapshot, aVolume } from '../support/volume-specs.ts';

test('an image that gets crowded with snapshots has its clones noted for flattening, and a full one takes no more', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  const from = await bed.engine.createSnapshot(aSnapshot(volume, 's1'));
  await bed.engine.createVolume(aVolume(pool, { image: 'clone', source: { from: 'snapshot', snapshot: from } }));
  // One that only the clone holds any more counts too: the kernel client sees it.
  await bed.engine.deleteSnapshot({ ...anImage(volume, 'v'), snapshot: 's1' });
  await bed.engine.createSnapshot(aSnapshot(volume, 's2'));
  const io = await bed.site.open(pool.place);
  const seen = await seeImage(io, 'v');
  assert.ok(seen.is === 'image');
  const check = (crowded: number, most: number) => checkSnapshotRoom({ io, image: 'v', header: seen.header }, { crowded, most });
  const noted = async () => (await listWork(io)).filter((work) => work.do === 'flatten-children').map((work) => work.image);

  await check(3, 4);
  const before = await noted();
  await check(2, 3);
  const crowded = await noted();

  await assert.rejects(check(1, 2), { kind: 'exhausted', reason: 'TOO_MANY_SNAPSHOTS', message: /has 2 snapshots/ });
  assert.equal(((await pool.rbdJson('snap', 'ls', '--all', 'v')) as unknown[]).length, 2);
  assert.deepEqual([before, crowded], [[], ['v']]);
});

test('a data pool that is erasure-coded without overwrites is refused, and no image is made', async () => {
  const ceph = sharedCeph();
  await using pool = await ceph.freshNamespace();
  await using bed = await engineBed(pool);
  const dataPool = `bare-${pool.namespace}`;
  // Its placement groups never become active on one OSD; nothing is written to them.
  await ceph.ceph('osd', 'erasure-code-profile', 'set', dataPool, 'k=2', 'm=1', 'crush-failure-domain=osd');
  await ceph.ceph('osd', 'pool', 'create', dataPool, '1', '1', 'erasure', dataPool);
  try {
    const wanted = aVolume(pool, { image: 'v' });

    const made = bed.engine.createVolume({ ...wanted, layout: { ...wanted.layout, dataPool } });

    await assert.rejects(made, { kind: 'precondition', reason: 'DATA_POOL_UNFIT', message: /allow_ec_overwrites/ });
    assert.deepEqual(await pool.images(), []);
  } finally {
    await ceph.ceph('osd', 'pool', 'rm', dataPool, dataPool, '--yes-i-really-really-mean-it');
    await ceph.ceph('osd', 'erasure-code-profile', 'rm', dataPool);
    await ceph.ceph('osd', 'crush', 'rule', 'rm', dataPool);
  }
});

test('a size of which an object map cannot hold all objects is refused with what would help, and nothing is made', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const PiB = 2n ** 50n;
  const small = aVolume(pool, { image: 'small' });
  const tiny = { ...small.layout, objectSize: 4096n };
  const tooMany = { kind: 'out-of-range', reason: 'TOO_MANY_OBJECTS' };
  await bed.engine.createVolume(small);

  await assert.rejects(bed.engine.createVolume(aVolume(pool, { image: 'large', size: PiB })), tooMany);
  await assert.rejects(bed.engine.createVolume({ ...aVolume(pool, { image: 'many', size: PiB / 512n }), layout: tiny }), tooMany);
  const grown = bed.engine.expandVolume({ volume: anImage(pool.place, 'small'), range: { required: PiB, limit: 0n } });
  await assert.rejects(grown, tooMany);

  assert.deepEqual(await pool.images(), ['small']);
});
