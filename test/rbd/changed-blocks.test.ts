import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Extent, SnapshotRef } from '#rbd';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

const SIZE = 256n * MiB;

test('changed blocks are what rbd diff says, resumed at any offset', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const [older, newer] = await aWrittenVolume(pool, bed);

  const full = await readAll(bed, newer, undefined, 1000);
  const pieces = await readAll(bed, newer, undefined, 3);
  const delta = await readAll(bed, newer, older, 2);
  const middle = await bed.engine.changedBlocks({ snapshot: newer, base: undefined, startingOffset: 100n * MiB + 512n, max: 1000 });

  const witness = await rbdDiff(pool, 'v@new');
  assert.deepEqual(full, witness);
  assert.deepEqual(pieces, witness);
  assert.deepEqual(delta, await rbdDiff(pool, 'v@new', '--from-snap', 'old'));
  assert.deepEqual(
    merge(middle.extents),
    witness.flatMap((extent) => clip(extent, 100n * MiB + 512n)),
  );
});

test('changed blocks refuse a base of another volume, a newer one, and an offset outside', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const [older, newer] = await aWrittenVolume(pool, bed);
  const other = await bed.engine.createVolume(aVolume(pool, { image: 'other', size: SIZE }));
  const foreign = await bed.engine.createSnapshot(aSnapshot(other, 'foreign'));
  const ask = (base: SnapshotRef | undefined, startingOffset = 0n): Promise<unknown> =>
    bed.engine.changedBlocks({ snapshot: older, base, startingOffset, max: 10 });

  await assert.rejects(ask(foreign), { kind: 'invalid', reason: 'BASE_OF_OTHER_VOLUME' });
  await assert.rejects(ask(newer), { kind: 'invalid', reason: 'BASE_NEWER' });
  await assert.rejects(ask(undefined, -1n), { kind: 'out-of-range' });
  await assert.rejects(ask(undefined, SIZE + 1n), { kind: 'out-of-range' });
});

test('without fast-diff changes cannot be told, and what is allocated can', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const spec = aVolume(pool, { image: 'v', size: SIZE });
  const volume = await bed.engine.createVolume({ ...spec, layout: { ...spec.layout, features: ['layering', 'exclusive-lock'] } });
  const older = await bed.engine.createSnapshot(aSnapshot(volume, 'old'));
  await pool.rbd('bench', '--io-type', 'write', '--io-size', '64K', '--io-total', '1M', '--io-pattern', 'rand', 'v');
  const newer = await bed.engine.createSnapshot(aSnapshot(volume, 'new'));

  const delta = bed.engine.changedBlocks({ snapshot: newer, base: older, startingOffset: 0n, max: 10 });

  await assert.rejects(delta, { kind: 'precondition', reason: 'CHANGES_NOT_TRACKED' });
  assert.deepEqual(await readAll(bed, newer, undefined, 5), await rbdDiff(pool, 'v@new'));
});

/** Random writes, a snapshot, more of them and a discard, a snapshot. */
async function aWrittenVolume(pool: TestPool, bed: Bed): Promise<[SnapshotRef, SnapshotRef]> {
  const write = ['bench', '--io-type', 'write', '--io-pattern', 'rand', '--io-total', '2M', 'v'];
  const volume = await bed.engine.createVolume(aVolume(pool, { image: 'v', size: SIZE }));
  await pool.rbd(...write, '--io-size', '64K');
  const older = await bed.engine.createSnapshot(aSnapshot(volume, 'old'));
  await pool.rbd(...write, '--io-size', '96K');
  const newer = await bed.engine.createSnapshot(aSnapshot(volume, 'new'));
  return [older, newer];
}

async function readAll(bed: Bed, snapshot: SnapshotRef, base: SnapshotRef | undefined, max: number): Promise<Extent[]> {
  const extents: Extent[] = [];
  for (let next: bigint | undefined = 0n; next !== undefined; ) {
    const page: Awaited<ReturnType<typeof bed.engine.changedBlocks>> = await bed.engine.changedBlocks({
      snapshot,
      base,
      startingOffset: next,
      max,
    });
    assert.ok(page.extents.length <= max);
    assert.equal(page.size, SIZE);
    extents.push(...page.extents);
    next = page.next;
  }
  return merge(extents);
}

/** Extents as numbers of the witness, those that touch made one. */
async function rbdDiff(pool: TestPool, ...args: readonly string[]): Promise<Extent[]> {
  const listed = (await pool.rbdJson('diff', ...args)) as { offset: number; length: number }[]; // the shape of `rbd diff`
  assert.ok(listed.length > 0);
  return merge(listed.map(({ offset, length }) => ({ offset: BigInt(offset), length: BigInt(length) })));
}

function merge(extents: readonly Extent[]): Extent[] {
  const merged: Extent[] = [];
  for (const extent of extents.toSorted((a, b) => Number(a.offset - b.offset))) {
    const last = merged.at(-1);
    if (last !== undefined && last.offset + last.length >= extent.offset) {
      merged.splice(-1, 1, { offset: last.offset, length: extent.offset + extent.length - last.offset });
    } else merged.push(extent);
  }
  return merged;
}

function clip(extent: Extent, from: bigint): Extent[] {
  const end = extent.offset + extent.length;
  if (end <= from) return [];
  const offset = extent.offset < from ? from : extent.offset;
  return [{ offset, length: end - offset }];
}
