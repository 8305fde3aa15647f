/** Images whose objects we write ourselves are what librbd would have written, and Ceph's own programs take them as such. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Source, VolumeSpec } from '#rbd';
import { engineBed } from '../support/engine-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

const SIZE = 64n * MiB;

for (const withDataPool of [false, true]) {
  const where = withDataPool ? ' with a data pool' : '';

  test(`an empty image${where} has what librbd gives it`, async () => {
    await using pool = await sharedCeph().freshPool();
    await using data = await sharedCeph().freshPool();
    await using bed = await engineBed(pool);
    const dataPool = await preparePools(pool, withDataPool ? data : undefined);

    await bed.engine.createVolume(inPool(pool, dataPool, 'ours', { from: 'nothing' }));
    await pool.rbd('create', '--size', '64M', ...dataPoolOption(dataPool), 'theirs');

    assert.equal((await infoOf(pool, 'ours')).id.length, 14, 'it was written by us');
    assert.deepEqual(await shapeOf(pool, 'ours'), await shapeOf(pool, 'theirs'));
  });

  test(`a clone${where} has what librbd gives it, reads, grows apart and lets go of its parent`, async () => {
    await using pool = await sharedCeph().freshPool();
    await using data = await sharedCeph().freshPool();
    await using bed = await engineBed(pool);
    const dataPool = await preparePools(pool, withDataPool ? data : undefined);
    const parent = await bed.engine.createVolume(inPool(pool, dataPool, 'parent', { from: 'nothing' }));
    await pool.rbd('bench', '--io-type', 'write', '--io-total', '8M', '--io-pattern', 'rand', 'parent');
    const snapshot = await bed.engine.createSnapshot(aSnapshot(parent, 's'));
    const content = await pool.checksum('parent@s');

    await bed.engine.createVolume(inPool(pool, dataPool, 'ours', { from: 'snapshot', snapshot }));
    const clone = ['clone', '--rbd-default-clone-format', '2', ...dataPoolOption(dataPool)];
    await pool.rbd(...clone, `${pool.name}/parent@s`, `${pool.name}/theirs`);
    const [ours, theirs] = [await shapeOf(pool, 'ours'), await shapeOf(pool, 'theirs')];
    const children = await pool.rbdJson('children', 'parent@s');
    const read = await pool.checksum('ours');
    await pool.rbd('flatten', 'ours');
    const flattened = await pool.checksum('ours');
    await pool.rbd('rm', 'theirs');
    await bed.engine.deleteVolume(anImage(pool.place, 'ours'));
    await bed.engine.deleteSnapshot(snapshot);
    await bed.engine.deleteVolume(parent);
    await bed.engine.reap(pool.place);

    assert.deepEqual(ours, theirs);
    assert.deepEqual((children as { image: string }[]).map(({ image }) => image).sort(), ['ours', 'theirs']);
    assert.equal(read, content);
    assert.equal(flattened, content);
    assert.deepEqual(await leftoversAfter(pool, 5), []);
    assert.deepEqual(
      (await data.objects()).filter((name) => name.startsWith('rbd_data')),
      [],
    );
  });
}

for (const [where, open] of [
  ['from a pool into another one', () => Promise.all([sharedCeph().freshPool(), sharedCeph().freshPool()])],
  ["from a pool into another one's namespace", () => Promise.all([sharedCeph().freshPool(), sharedCeph().freshNamespace()])],
  ['from a namespace into another pool', () => Promise.all([sharedCeph().freshNamespace(), sharedCeph().freshPool()])],
  ['from a namespace into another one', () => Promise.all([sharedCeph().freshNamespace(), sharedCeph().freshNamespace()])],
] as const) {
  test(`a clone ${where} is known to both sides, reads, lets go of its parent, and leaves nothing`, async () => {
    const [from, to] = await open();
    await using _from = from;
    await using _to = to;
    await using bed = await engineBed(from);
    await preparePools(to, undefined);
    const parent = await bed.engine.createVolume(inPool(from, '', 'parent', { from: 'nothing' }));
    await from.rbd('bench', '--io-type', 'write', '--io-total', '8M', '--io-pattern', 'rand', 'parent');
    const snapshot = await bed.engine.createSnapshot(aSnapshot(parent, 's'));
    const content = await from.checksum('parent@s');

    const source: Source = { from: 'snapshot', snapshot };
    await bed.engine.createVolume(inPool(to, '', 'ours', source));
    await bed.engine.createVolume(inPool(to, '', 'dropped', source));
    await from.ceph.rbd('clone', '--rbd-default-clone-format', '2', `${from.spec}/parent@s`, `${to.spec}/theirs`);
    const written = (await infoOf(to, 'ours')).id.length === 14;
    const [ours, theirs] = [await shapeOf(to, 'ours'), await shapeOf(to, 'theirs')];
    const children = await childrenOf(from, 'parent@s');
    const read = await to.checksum('ours');
    await bed.engine.deleteVolume(anImage(to.place, 'dropped'));
    await bed.engine.reap(to.place);
    const withoutDropped = await childrenOf(from, 'parent@s');
    await to.rbd('flatten', 'ours');
    const withoutOurs = await childrenOf(from, 'parent@s');
    const flattened = await to.checksum('ours');
    await to.rbd('rm', 'theirs');
    await bed.engine.deleteVolume(anImage(to.place, 'ours'));
    await bed.engine.deleteSnapshot(snapshot);
    await bed.engine.deleteVolume(parent);
    for (const { place } of [to, from]) await bed.engine.reap(place);

    assert.ok(written, 'it was written by us');
    assert.deepEqual(ours, theirs);
    assert.deepEqual(
      children,
      ['dropped', 'ours', 'theirs'].map((image) => childIn(to, image)),
    );
    assert.deepEqual(
      withoutDropped,
      ['ours', 'theirs'].map((image) => childIn(to, image)),
    );
    assert.deepEqual(withoutOurs, [childIn(to, 'theirs')]);
    assert.deepEqual([read, flattened], [content, content]);
    assert.deepEqual([await leftoversAfter(from, 5), await leftoversAfter(to, 5)], [[], []]);
  });
}

test('a clone larger than its snapshot shows zeros behind it', async () => {
  await using pool = await sharedCeph().freshPool();
  await using bed = await engineBed(pool);
  await preparePools(pool, undefined);
  const parent = await bed.engine.createVolume(inPool(pool, '', 'parent', { from: 'nothing' }));
  await pool.rbd('bench', '--io-type', 'write', '--io-total', '4M', 'parent');
  const snapshot = await bed.engine.createSnapshot(aSnapshot(parent, 's'));
  const size = 100n * MiB;

  const spec = inPool(pool, '', 'larger', { from: 'snapshot', snapshot });
  await bed.engine.createVolume({ ...spec, size, range: { required: size, limit: 0n } });

  const { id, parent: seen } = await infoOf(pool, 'larger');
  assert.equal(id.length, 14, 'it was written by us');
  assert.equal(seen?.overlap, Number(SIZE));
  assert.equal(await pool.checksum('larger'), await pool.checksum('parent@s', Number(size - SIZE)));
});

/** librbd looks at a pool at the first image that it makes there, and only then do we write by ourselves. */
async function preparePools(pool: TestPool, data: TestPool | undefined): Promise<string> {
  const dataPool = data?.name ?? '';
  await pool.rbd('create', '--size', '1M', ...dataPoolOption(dataPool), 'first');
  await pool.rbd('rm', 'first');
  return dataPool;
}

function dataPoolOption(dataPool: string): string[] {
  return dataPool === '' ? [] : ['--data-pool', dataPool];
}

function inPool(pool: TestPool, dataPool: string, image: string, source: Source): VolumeSpec {
  const volume = aVolume(pool, { image, source, size: SIZE });
  return { ...volume, layout: { ...volume.layout, dataPool } };
}

interface Info {
  readonly id: string;
  readonly parent?: { readonly overlap: number };
}

async function infoOf(pool: TestPool, image: string): Promise<Info> {
  return (await pool.rbdJson('info', image)) as Info; // the shape of `rbd info`
}

/** As `rbd children` shows them, sorted: `pool/namespace/image`, also without a namespace. */
async function childrenOf(pool: TestPool, snapshot: string): Promise<string[]> {
  const children = (await pool.rbdJson('children', snapshot)) as { pool: string; pool_namespace: string; image: string }[];
  return children.map((child) => `${child.pool}/${child.pool_namespace}/${child.image}`).sort();
}

function childIn({ name, namespace }: TestPool, image: string): string {
  return `${name}/${namespace}/${image}`;
}

/** All that Ceph says of the image, without what names this one or the moment, and without our record. */
async function shapeOf(pool: TestPool, image: string): Promise<object> {
  const info = await infoOf(pool, image);
  const keys = (await pool.rados('listomapkeys', `rbd_header.${info.id}`)).split('\n').filter((key) => !key.includes('loligo.'));
  const map = await pool.rados('stat', `rbd_object_map.${info.id}`);
  const text = JSON.stringify({ ...info, name: '' }).replaceAll(info.id, 'ID');
  const shape = JSON.parse(text, (key, value) => (key.endsWith('_timestamp') ? '' : value));
  return { ...shape, keys, mapBytes: map.split('size ')[1] };
}
