/** What the engine keeps of encrypted volumes. A wrapped key is any text to it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageRef, Source, VolumeSpec } from '#rbd';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aGroup, anImage, aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

const HEADER = 16n * MiB;
const SIZE = 64n * MiB;
const NODE = 'one@10.0.0.1';

function encrypted(pool: TestPool, image: string, differs: Partial<VolumeSpec> = {}): VolumeSpec {
  return aVolume(pool, { image, size: SIZE, key: `key of ${image}`, ...differs });
}

const JOURNALED: VolumeSpec['layout']['features'] = ['layering', 'exclusive-lock', 'journaling'];

for (const [how, features] of [
  ['by us', undefined],
  ['by librbd', JOURNALED],
] as const) {
  test(`a new encrypted volume, made ${how}, has the size asked for behind its header, and its key beside its record`, async () => {
    await using pool = await sharedCeph().freshNamespace();
    await using bed = await engineBed(pool);
    const want = encrypted(pool, 'v');
    const spec = features === undefined ? want : { ...want, layout: { ...want.layout, features } };

    const made = await bed.engine.createVolume(spec);
    const again = await bed.engine.createVolume({ ...spec, key: 'another wrapping' });

    assert.equal(made.size, SIZE);
    assert.deepEqual(again, made);
    assert.equal(await imageSize(pool, 'v'), SIZE + HEADER);
    assert.equal(await keyOf(pool, 'v'), 'key of v');
    assert.partialDeepStrictEqual(await bed.engine.getVolume(anImage(made, 'v')), made);
  });
}

test('a volume of the same name with and without encryption are two', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(encrypted(pool, 'sealed'));
  await bed.engine.createVolume(encrypted(pool, 'open', { key: '' }));

  const refusal = { kind: 'conflict', reason: 'VOLUME_DIFFERS', message: /encryption/ };
  await assert.rejects(bed.engine.createVolume(encrypted(pool, 'sealed', { key: '' })), refusal);
  await assert.rejects(bed.engine.createVolume(encrypted(pool, 'open')), refusal);
});

test('an encrypted volume that lacks its record, for its maker was cut off, gets record and key from the next call', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(encrypted(pool, 'v'));
  for (const key of ['loligo.volume', 'loligo.key']) await pool.rbd('image-meta', 'remove', 'v', key);

  const made = await bed.engine.createVolume(encrypted(pool, 'v', { key: 'the second key' }));

  assert.equal(made.size, SIZE);
  assert.equal(await keyOf(pool, 'v'), 'the second key');
});

test('growing adds to what the user has, and limits are of that', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(encrypted(pool, 'v'));

  const same = await bed.engine.expandVolume({ volume, range: { required: SIZE, limit: SIZE } });
  const grown = await bed.engine.expandVolume({ volume, range: { required: 100n * MiB, limit: 100n * MiB } });

  assert.deepEqual([same.size, grown.size], [SIZE, 100n * MiB]);
  assert.equal(await imageSize(pool, 'v'), 100n * MiB + HEADER);
  assert.equal((await bed.engine.getVolume(volume)).size, 100n * MiB);
});

for (const from of ['snapshot', 'volume', 'group snapshot'] as const) {
  test(`a larger copy of a ${from} has its own key, and no other of the source's`, async () => {
    await using pool = await sharedCeph().freshNamespace();
    await using bed = await engineBed(pool);
    const volume = await bed.engine.createVolume(encrypted(pool, 'v'));
    const source = await aSource(pool, bed, { volume, from });

    const found = await bed.engine.findKey({ volume: anImage(pool.place, 'copy'), source });
    const copy = await bed.engine.createVolume(encrypted(pool, 'copy', { size: 80n * MiB, source }));
    const itsOwn = await bed.engine.findKey({ volume: copy, source });

    assert.deepEqual(found, { volume: anImage(pool.place, 'v'), key: 'key of v' });
    assert.deepEqual(itsOwn, { volume: anImage(pool.place, 'copy'), key: 'key of copy' });
    assert.equal(copy.size, 80n * MiB);
    assert.equal(await imageSize(pool, 'copy'), 80n * MiB + HEADER);
    const keys = Object.keys(await metadata(pool, 'copy'));
    assert.deepEqual(keys.toSorted(), ['loligo.key', 'loligo.volume']);
  });

  test(`a copy of a ${from} is encrypted just when that is`, async () => {
    await using pool = await sharedCeph().freshNamespace();
    await using bed = await engineBed(pool);
    const sealed = await bed.engine.createVolume(encrypted(pool, 'sealed'));
    const open = await bed.engine.createVolume(encrypted(pool, 'open', { key: '' }));
    const [fromSealed, fromOpen] = [
      await aSource(pool, bed, { volume: sealed, from }),
      await aSource(pool, bed, { volume: open, from }),
    ];

    const refusal = { kind: 'invalid', reason: 'ENCRYPTION_DIFFERS' };
    await assert.rejects(bed.engine.createVolume(encrypted(pool, 'copy', { source: fromSealed, key: '' })), refusal);
    await assert.rejects(bed.engine.createVolume(encrypted(pool, 'copy', { source: fromOpen })), refusal);
    assert.deepEqual(await pool.images(), ['open', 'sealed']);
  });
}

test('a copy that librbd made, and that was cut off before its record, has its source’s key until it gets its own', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(encrypted(pool, 'v'));
  const source = await aSource(pool, bed, { volume, from: 'snapshot' });
  await pool.rbd('clone', '--rbd-default-clone-format', '2', `${pool.spec}/v@snap-v`, `${pool.spec}/copy`);
  const inherited = await keyOf(pool, 'copy');

  const found = await bed.engine.findKey({ volume: anImage(pool.place, 'copy'), source });
  await bed.engine.createVolume(encrypted(pool, 'copy', { source }));

  assert.equal(inherited, 'key of v');
  assert.equal(found?.volume.image, 'v');
  assert.equal(await keyOf(pool, 'copy'), 'key of copy');
});

test('sizes of snapshots and changed blocks are of the data behind the header', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(encrypted(pool, 'v'));
  await pool.rbd('bench', '--io-type', 'write', '--io-pattern', 'rand', '--io-size', '64K', '--io-total', '2M', 'v');
  const snapshot = await bed.engine.createSnapshot(aSnapshot(volume, 'snap'));

  const { size, extents, next } = await bed.engine.changedBlocks({ snapshot, base: undefined, startingOffset: 0n, max: 1000 });
  const middle = extents[3]?.offset ?? 0n;
  const rest = await bed.engine.changedBlocks({ snapshot, base: undefined, startingOffset: middle, max: 1000 });

  assert.deepEqual([snapshot.size, size, next], [SIZE, SIZE, undefined]);
  assert.deepEqual(blocksOf(extents), blocksOf(await dataBehindHeader(pool, 'v@snap')));
  assert.deepEqual(rest.extents, extents.slice(3));
});

test('publishing hands out the wrapped key, and says who is alone', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(encrypted(pool, 'v'));
  const publish = (node: string) => bed.engine.publishVolume({ volume, node, mode: 'multi-writer', readonly: false, nodeLimit: 0 });

  const first = await publish(NODE);
  const again = await publish(NODE);
  const second = await publish('two@10.0.0.2');

  assert.deepEqual(
    [first, again, second],
    [
      { site: 'east', key: 'key of v', isAlone: true },
      { site: 'east', key: 'key of v', isAlone: true },
      { site: 'east', key: 'key of v', isAlone: false },
    ],
  );
});

test('an encrypted volume whose key was removed from its image is neither published nor copied, and the reason says so', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(encrypted(pool, 'v'));
  await pool.rbd('image-meta', 'remove', 'v', 'loligo.key');

  const refusal = { kind: 'precondition', reason: 'VOLUME_KEY_LOST' };
  const publication = { volume, node: NODE, mode: 'single-writer', readonly: false, nodeLimit: 0 } as const;
  await assert.rejects(bed.engine.publishVolume(publication), refusal);
  await assert.rejects(bed.engine.findKey({ volume: anImage(pool.place, 'w'), source: { from: 'volume', volume } }), refusal);
});

test('the keys of deleted volumes, beside their snapshots and in the trash, are found, replaced, and brought back with them', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const names = ['living', 'aside', 'trashed'];
  for (const name of names)
    await bed.engine.createVolume(encrypted(pool, name, { mutable: { deleteRetention: 3600, maxCloneDepth: 5, qos: {} } }));
  await bed.engine.createVolume(encrypted(pool, 'open', { key: '' }));
  const snapshot = await bed.engine.createSnapshot(aSnapshot(anImage(pool.place, 'aside'), 'snap'));
  for (const name of ['aside', 'trashed']) await bed.engine.deleteVolume(anImage(pool.place, name));

  const keys = await bed.engine.listKeys({});
  const ofSnapshot = await bed.engine.findKey({ volume: anImage(pool.place, 'new'), source: { from: 'snapshot', snapshot } });
  for (const key of keys) await bed.engine.replaceKey({ ...key, key: `new ${key.key}` });
  await bed.engine.replaceKey({ volume: anImage(pool.place, 'purged'), id: 'abc', key: 'none' });
  for (const name of ['aside', 'trashed']) await bed.engine.undeleteVolume(anImage(pool.place, name));

  const found = keys.map(({ volume, key }) => [volume.image, key]);
  assert.deepEqual(found.toSorted(), [
    ['aside', 'key of aside'],
    ['living', 'key of living'],
    ['trashed', 'key of trashed'],
  ]);
  assert.deepEqual(ofSnapshot, { volume: anImage(pool.place, 'aside'), key: 'key of aside' });
  for (const name of names) assert.equal(await keyOf(pool, name), `new key of ${name}`);
});

test('a copy of an encrypted volume that somebody made by hand is not adopted, for its key would be lost', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(encrypted(pool, 'v'));
  await pool.rbd('cp', `${pool.spec}/v`, `${pool.spec}/copy`, '--no-progress');

  await assert.rejects(bed.engine.adoptVolume(anImage(pool.place, 'copy')), { kind: 'precondition', reason: 'IMAGE_ENCRYPTED' });
  assert.equal(await keyOf(pool, 'copy'), 'key of v');
  assert.equal((await bed.engine.adoptVolume(anImage(pool.place, 'v'))).size, SIZE);
});

async function aSource(
  pool: TestPool,
  bed: Bed,
  { volume, from }: { volume: ImageRef; from: 'snapshot' | 'volume' | 'group snapshot' },
): Promise<Source> {
  if (from === 'volume') return { from: 'volume', volume: anImage(pool.place, volume.image) };
  if (from === 'snapshot') {
    const snapshot = `snap-${volume.image}`;
    await bed.engine.createSnapshot(aSnapshot(volume, snapshot));
    return { from: 'snapshot', snapshot: { ...anImage(pool.place, volume.image), snapshot } };
  }
  const group = `group-${volume.image}`;
  await bed.engine.createGroupSnapshot(aGroup(pool, group, [volume]));
  return { from: 'snapshot', snapshot: { ...anImage(pool.place, volume.image), snapshot: group } };
}

/** What `rbd diff` says, as the volume's user sees it. */
async function dataBehindHeader(pool: TestPool, snapshot: string): Promise<{ offset: bigint; length: bigint }[]> {
  const listed = (await pool.rbdJson('diff', snapshot)) as { offset: number; length: number }[]; // the shape of `rbd diff`
  const behind = listed.filter(({ offset }) => BigInt(offset) >= HEADER);
  assert.ok(behind.length > 4);
  return behind.map(({ offset, length }) => ({ offset: BigInt(offset) - HEADER, length: BigInt(length) }));
}

/** Of 64 KiB, as the writes were: whoever lists extents may join them. */
function blocksOf(extents: readonly { readonly offset: bigint; readonly length: bigint }[]): readonly bigint[] {
  return extents.flatMap(({ offset, length }) =>
    Array.from({ length: Number(length / 65536n) }, (_, at) => offset + BigInt(at) * 65536n),
  );
}

async function imageSize(pool: TestPool, image: string): Promise<bigint> {
  return BigInt(Number(Reflect.get(Object(await pool.rbdJson('info', image)), 'size')));
}

async function keyOf(pool: TestPool, image: string): Promise<string | undefined> {
  return (await metadata(pool, image))['loligo.key'];
}

async function metadata(pool: TestPool, image: string): Promise<Record<string, string>> {
  return (await pool.rbdJson('image-meta', 'list', image)) as Record<string, string>;
}
