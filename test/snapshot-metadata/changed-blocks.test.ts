/** The SnapshotMetadata service says what `rbd diff` says. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import type { Message } from '../support/csi-client.ts';
import { answerOf, DriverBed, untilOk } from '../support/driver-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const MIB = 2 ** 20;
const SIZE = 256 * MIB;
const ROUNDS = process.env['LOLIGO_SOAK'] === '1' ? 40 : 6;

interface Extent {
  readonly offset: number;
  readonly length: number;
}

test('allocated and changed blocks are what rbd diff says, resumed at any offset, in messages of any size', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  const volume = await bed.create('v', { capacityRange: { requiredBytes: String(SIZE) } });
  await writeAtRandom(pool, 'v', '64K');
  const baseSnapshotId = await bed.snapshot('old', volume);
  await writeAtRandom(pool, 'v', '96K');
  const snapshotId = await bed.snapshot('new', volume);

  const witness = { all: await rbdDiff(pool, 'v@new'), changed: await rbdDiff(pool, 'v@new', '--from-snap', 'old') };

  assert.notDeepEqual(witness.all, witness.changed);
  for (let round = 0; round < ROUNDS; round += 1) {
    const startingOffset = round === 0 ? 0 : randomInt(SIZE);
    const bounds = { startingOffset: String(startingOffset), maxResults: [0, 1, 2, 7, 1000][round % 5] ?? 0 };
    const all = await ask(bed, 'GetMetadataAllocated', { snapshotId, ...bounds });
    const changed = await ask(bed, 'GetMetadataDelta', { baseSnapshotId, targetSnapshotId: snapshotId, ...bounds });
    const seen = JSON.stringify(bounds);
    assert.deepEqual(from(all, startingOffset), from(witness.all, startingOffset), `allocated, ${seen}`);
    assert.deepEqual(from(changed, startingOffset), from(witness.changed, startingOffset), `changed, ${seen}`);
  }
});

test('a snapshot that is not there, one of another volume, a newer base and an offset outside have their codes', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  const [v, other] = await Promise.all([bed.create('v'), bed.create('other')]);
  const older = await bed.snapshot('older', v);
  const [newer, foreign] = await Promise.all([bed.snapshot('newer', v), bed.snapshot('foreign', other)]);
  const missing = `${v}@missing`;
  const allocated = (snapshotId: string, more: object = {}): Asked => ['GetMetadataAllocated', { snapshotId, ...more }];
  const delta = (baseSnapshotId: string, targetSnapshotId: string, more: object = {}): Asked => [
    'GetMetadataDelta',
    { baseSnapshotId, targetSnapshotId, ...more },
  ];
  const cases: Record<string, { ask: Asked; status: string }> = {
    'no snapshot': { ask: allocated(missing), status: 'NOT_FOUND' },
    'no id': { ask: allocated(''), status: 'INVALID_ARGUMENT' },
    'no base': { ask: delta(missing, newer), status: 'NOT_FOUND' },
    'no target': { ask: delta(older, missing), status: 'NOT_FOUND' },
    'base of another volume': { ask: delta(foreign, newer), status: 'INVALID_ARGUMENT' },
    'base newer than target': { ask: delta(newer, older), status: 'INVALID_ARGUMENT' },
    'offset negative': { ask: allocated(newer, { startingOffset: '-1' }), status: 'OUT_OF_RANGE' },
    'offset behind the end': { ask: delta(older, newer, { startingOffset: String(64 * MIB + 1) }), status: 'OUT_OF_RANGE' },
    'bound negative': { ask: allocated(newer, { maxResults: -1 }), status: 'INVALID_ARGUMENT' },
    'offset at the end': { ask: allocated(newer, { startingOffset: String(64 * MIB) }), status: 'OK' },
    'base and target the same': { ask: delta(newer, newer), status: 'OK' },
  };

  for (const [name, { ask: asked, status }] of Object.entries(cases)) {
    const answer = await answerOf(untilOk(() => bed.csi.stream(...asked)));
    assert.equal(answer.status, status, `${name}: ${answer.details}`);
  }
});

type Asked = [method: string, request: object];

interface Bounds {
  readonly maxResults: number;
  readonly [field: string]: unknown;
}

async function writeAtRandom(pool: TestPool, image: string, size: string): Promise<void> {
  await pool.rbd('bench', '--io-type', 'write', '--io-pattern', 'rand', '--io-total', '2M', '--io-size', size, image);
}

/** All extents of the stream, those that touch made one. */
async function ask(bed: DriverBed, method: string, request: Bounds): Promise<Extent[]> {
  const pages: Message[] = await bed.csi.stream(method, request);
  for (const page of pages) {
    assert.equal(page.volumeCapacityBytes, String(SIZE));
    assert.equal(page.blockMetadataType, 'VARIABLE_LENGTH');
    if (request.maxResults > 0) assert.ok(page.blockMetadata.length <= request.maxResults);
  }
  const extents: Extent[] = pages
    .flatMap((page) => page.blockMetadata)
    .map(({ byteOffset, sizeBytes }) => ({ offset: Number(byteOffset), length: Number(sizeBytes) }));
  assert.deepEqual(extents, extents.toSorted(byOffset));
  return joined(extents);
}

async function rbdDiff(pool: TestPool, ...args: readonly string[]): Promise<Extent[]> {
  const listed = (await pool.rbdJson('diff', ...args)) as Extent[]; // the shape of `rbd diff`
  assert.ok(listed.length > 0);
  return joined(listed.map(({ offset, length }) => ({ offset, length })));
}

function joined(extents: readonly Extent[]): Extent[] {
  const found: Extent[] = [];
  for (const { offset, length } of extents.toSorted(byOffset)) {
    const last = found.at(-1);
    const overlap = last === undefined ? -1 : last.offset + last.length - offset;
    if (last === undefined || overlap < 0) found.push({ offset, length });
    else found.splice(-1, 1, { offset: last.offset, length: last.length + length - overlap });
  }
  return found;
}

/** What lies at `start` and behind it. CSI lets the first extent begin before the offset that was asked for. */
function from(extents: readonly Extent[], start: number): Extent[] {
  return extents.flatMap(({ offset, length }) => {
    const begin = Math.max(offset, start);
    return offset + length > begin ? [{ offset: begin, length: offset + length - begin }] : [];
  });
}

function byOffset(a: Extent, b: Extent): number {
  return a.offset - b.offset;
}
