/** What the reaper and a repeated CreateVolume make of images that look half-made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addToDirectory, attachParent, createHeader, createIdObject, createObjectMap, findHeader } from '#ceph';
import type { VolumeSpec } from '#rbd';
import { planImage } from '../../src/rbd/write-image.ts';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

const SMALL = { size: 64n * MiB };

test('a foreign image that holds data survives a CreateVolume of its name, also when its object map is lost', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await pool.rbd('create', '--size', '64M', 'theirs');
  await fill(pool, 'theirs');
  await pool.rados('rm', `rbd_object_map.${await idOf(pool, 'theirs')}`);
  const before = await dataOf(pool, 'theirs');

  const asked = bed.engine.createVolume(aVolume(pool, { ...SMALL, image: 'theirs' }));

  await assert.rejects(asked, { kind: 'conflict', reason: 'IMAGE_NOT_OURS' });
  assert.ok(before.length > 0);
  assert.deepEqual(await dataOf(pool, 'theirs'), before);
});

test('a clone that was cut off before its record is finished by the next call, and flattened only then', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const parent = await bed.engine.createVolume(aVolume(pool, { ...SMALL, image: 'parent' }));
  await fill(pool, 'parent');
  const snapshot = await bed.engine.createSnapshot(aSnapshot(parent, 's'));
  const want = aVolume(pool, { ...SMALL, image: 'clone', flatten: true, source: { from: 'snapshot', snapshot } });
  await bed.engine.createVolume(want);
  // What a kill between the clone and its record leaves: the record that it has from its parent.
  await pool.rbd('image-meta', 'set', 'clone', 'loligo.volume', await recordOf(pool, 'parent'));

  await bed.engine.reap(pool.place);
  const parentWhileCutOff = await parentOf(pool, 'clone');
  await bed.engine.createVolume(want);
  await bed.engine.reap(pool.place);

  assert.equal(parentWhileCutOff, 'parent');
  assert.equal(await parentOf(pool, 'clone'), undefined);
  assert.equal((await bed.engine.getVolume(anImage(pool.place, 'clone'))).name, 'clone');
});

test('a clone that was cut off before its parent knew of it is made anew also when the snapshot it showed is gone', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const parent = await bed.engine.createVolume(aVolume(pool, { ...SMALL, image: 'parent' }));
  const snapshot = await bed.engine.createSnapshot(aSnapshot(parent, 's'));
  await bed.engine.createSnapshot(aSnapshot(parent, 't'));
  const want = aVolume(pool, { ...SMALL, image: 'clone', source: { from: 'snapshot', snapshot } });
  await writeUnattached(bed, pool, want);
  await bed.engine.deleteSnapshot(snapshot);
  const from = { ...snapshot, snapshot: 't' };

  await bed.engine.createVolume({ ...want, source: { from: 'snapshot', snapshot: from } });

  const [child] = Object(await pool.rbdJson('children', 'parent@t'));
  assert.equal(child.image, 'clone');
});

/** A clone as a kill right before the last write leaves it. */
async function writeUnattached({ site }: Bed, pool: TestPool, want: VolumeSpec): Promise<void> {
  const io = await site.open(pool.place);
  const image = await planImage(site, want, want.size);
  const header = await findHeader(io, await idOf(pool, 'parent'), []);
  assert.ok(header);
  const [snapshotId = 0n] = [...header.snapshotIds].sort((a, b) => Number(a - b));
  await addToDirectory(io, image);
  await createIdObject(io, image);
  await createObjectMap(io, image);
  await createHeader(io, image);
  await attachParent(io, image, { io, imageId: header.id, snapshotId, size: want.size });
}

async function fill(pool: TestPool, image: string): Promise<void> {
  await pool.rbd('bench', '--io-type', 'write', '--io-total', '4M', '--io-size', '1M', image);
}

async function idOf(pool: TestPool, image: string): Promise<string> {
  return String(Reflect.get(Object(await pool.rbdJson('info', image)), 'id'));
}

async function dataOf(pool: TestPool, image: string): Promise<string[]> {
  const id = await idOf(pool, image);
  return (await pool.objects()).filter((object) => object.startsWith(`rbd_data.${id}.`));
}

async function recordOf(pool: TestPool, image: string): Promise<string> {
  return (await pool.rbd('image-meta', 'get', image, 'loligo.volume')).trim();
}

/** The name of the image that it was cloned from; undefined for one that stands alone. */
async function parentOf(pool: TestPool, image: string): Promise<unknown> {
  const parent: unknown = Reflect.get(Object(await pool.rbdJson('info', image)), 'parent');
  return parent === undefined ? undefined : Reflect.get(Object(parent), 'image');
}
