/**
 * Which parts of a snapshot hold data, or differ from an older snapshot of the same image: what `rbd diff` says. Each
 * call looks at windows of the image, so it is bounded, and the next can begin at any offset.
 */
import { diffImage, Image, showSnapshot } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { checkpoint, type Scope } from '#lib/scope';
import { FAST_DIFF } from './features.ts';
import { headerOf } from './record.ts';
import type { Site } from './site.ts';
import { getSnapshotImage, type SeenSnapshot } from './snapshot-record.ts';
import type { ChangedBlocks, ChangedBlocksSpec, Extent } from './specs.ts';

/** Bytes looked at in one C call: a thousand objects of the usual size. */
const WINDOW = 4n * 2n ** 30n;
/** Windows in one answer; what is empty is passed over fast. */
const WINDOWS_MAX = 256;
/**
 * Extents of a striped image in one C call, which hands them out of order, so that none may be left out before they are
 * sorted: a second's worth, and a few megabytes. Where a window has more, the windows become smaller.
 */
const STRIPED_MAX = 2 ** 14;

export async function changedBlocks(site: Site, spec: ChangedBlocksSpec, scope: Scope): Promise<ChangedBlocks> {
  const seen = await getSnapshotImage(site, spec.snapshot);
  const base = await findBase(site, spec, seen);
  const header = headerOf(seen.volume.record);
  const size = seen.info.size - header;
  checkOffset(spec, size);

  await using image = await Image.openReadOnly(seen.volume.io, { id: seen.volume.header.id });
  await showSnapshot(image, seen.info.id);
  const reader = new ExtentReader(image, base?.info.name ?? null, { max: spec.max, striped: seen.volume.header.stripeCount > 1n });
  const next = await reader.read({ from: spec.startingOffset + header, size: seen.info.size }, scope);
  const extents = reader.extents.map(({ offset, length }) => ({ offset: offset - header, length }));
  return { size, extents, next: next === undefined ? undefined : next - header };
}

/** What to compare with, if anything. Throws `invalid` for a snapshot that is no older one of the same image, `precondition` when changes are not tracked. */
async function findBase(site: Site, spec: ChangedBlocksSpec, seen: SeenSnapshot): Promise<SeenSnapshot | undefined> {
  if (spec.base === undefined) return undefined;
  const base = await getSnapshotImage(site, spec.base);
  const name = `${formatImage(spec.base)}@${spec.base.snapshot}`;
  if (base.volume.header.id !== seen.volume.header.id) {
    throw new Failure('invalid', 'BASE_OF_OTHER_VOLUME', `${name} is of another volume`);
  }
  if (base.info.id > seen.info.id) {
    throw new Failure('invalid', 'BASE_NEWER', `${name} is newer than what it is to be compared with`);
  }
  if (base.info.namespace.kind !== 'user') {
    throw new Failure(
      'precondition',
      'BASE_OF_GROUP',
      `${name} is of a group snapshot, which this version of librbd cannot compare with`,
    );
  }
  if ((seen.volume.header.features & FAST_DIFF) === 0n) {
    throw new Failure('precondition', 'CHANGES_NOT_TRACKED', `${formatImage(spec.snapshot)} has no fast-diff: take a full backup`);
  }
  return base;
}

function checkOffset({ startingOffset, snapshot }: ChangedBlocksSpec, size: bigint): void {
  if (startingOffset >= 0n && startingOffset <= size) return;
  throw new Failure(
    'out-of-range',
    'OFFSET_OUT_OF_RANGE',
    `starting_offset ${startingOffset} is not within the ${size} bytes of ${snapshot.snapshot}`,
  );
}

class ExtentReader {
  readonly extents: Extent[] = [];
  readonly #image: Image;
  readonly #base: string | null;
  readonly #want: { readonly max: number; readonly striped: boolean };
  #window = WINDOW;

  constructor(image: Image, base: string | null, want: { readonly max: number; readonly striped: boolean }) {
    this.#image = image;
    this.#base = base;
    this.#want = want;
  }

  /**
   * Reads until there are enough extents or windows, or half of the time is over: what was read is never for nothing.
   * Returns where to go on, undefined at the end.
   */
  async read(range: { readonly from: bigint; readonly size: bigint }, scope: Scope): Promise<bigint | undefined> {
    const enough = (Date.now() + scope.deadline) / 2;
    let { from } = range;
    for (let window = 0; from < range.size; window += 1) {
      if (window >= WINDOWS_MAX || (window > 0 && Date.now() >= enough)) return from;
      checkpoint(scope);
      const end = from + this.#window < range.size ? from + this.#window : range.size;
      from = await this.#readWindow(from, end);
      if (this.extents.length > this.#want.max) return this.#cut();
    }
    return undefined;
  }

  /** Returns where it got to: the end, or that of the last extent there was room for; where it began when it has to begin anew. */
  async #readWindow(from: bigint, end: bigint): Promise<bigint> {
    const { striped } = this.#want;
    const limit = striped ? STRIPED_MAX : this.#want.max - this.extents.length + 1;
    const within = { offset: from, length: end - from, max: limit, withParents: true, wholeObjects: false };
    const found = await diffImage(this.#image, this.#base, within);
    const isFull = found.length >= limit;
    if (isFull && striped) {
      this.#window = (end - from) / 2n;
      return from;
    }
    for (const { offset, length } of found.toSorted((a, b) => Number(a.offset - b.offset))) this.#add({ offset, length });
    return isFull ? (endOf(found.at(-1)) ?? end) : end;
  }

  #add(extent: Extent): void {
    const last = this.extents.at(-1);
    if (endOf(last) !== extent.offset) this.extents.push(extent);
    else this.extents.splice(-1, 1, { offset: last?.offset ?? extent.offset, length: (last?.length ?? 0n) + extent.length });
  }

  /** Keeps what was asked for; what is behind it is found again by the next call. */
  #cut(): bigint | undefined {
    this.extents.length = this.#want.max;
    return endOf(this.extents.at(-1));
  }
}

function endOf(extent: Extent | undefined): bigint | undefined {
  return extent && extent.offset + extent.length;
}
