/**
 * Work that is to be done later, and outlives us: the omap object `loligo.work` of a place, one key for each piece.
 *   W1  a key is written before the first thing that it would clean up or finish is made, and removed after the last;
 *   W2  a key may be there with nothing left to do; doing its work again is harmless;
 *   W3  losing the object loses no volume: only a flatten that was asked for, a copy that CreateVolume begins again,
 *       or an internal snapshot that DeleteVolume would drop.
 */
import { findKey, type IoContext, isErrno, listKeys, WriteOperation } from '#ceph';
import type { SnapshotRef, VolumeSpec } from './specs.ts';

const OBJECT = 'loligo.work';
const PAGE = 512;

export type Work =
  /** Let the image go of its parents; a time before which that must not begin is in milliseconds since the epoch. */
  | { readonly do: 'flatten'; readonly image: string; readonly since: number; readonly notBefore?: number }
  /** Drop an internal snapshot that a cut-off clone left. */
  | { readonly do: 'drop-snapshot'; readonly image: string; readonly snapshot: string; readonly since: number }
  /** Move a deleted volume to the trash once its snapshots are gone; `image` is its volume name. */
  | { readonly do: 'retire'; readonly image: string }
  /** Remove what is left of an image in the trash; `image` is its id, and the time as for `flatten`. */
  | { readonly do: 'purge'; readonly image: string; readonly notBefore?: number }
  /** Flatten clones of an image that has too many snapshots, the oldest first. */
  | { readonly do: 'flatten-children'; readonly image: string }
  | CopyWork;

/** Make a volume of that instance by copying a snapshot that cannot be cloned; copy-note.ts says what the states mean. */
export interface CopyWork {
  readonly do: 'copy';
  readonly image: string;
  readonly instance: string;
  readonly from: SnapshotRef;
  readonly spec: VolumeSpec;
  readonly is: 'wanted' | 'copying' | 'ready' | 'off';
  /** The image that the present attempt copies into, or ''. */
  readonly draft: string;
  /** When the present attempt began or was ready, in milliseconds since the epoch. */
  readonly since: number;
  /** Images of attempts that were given up. */
  readonly left: readonly string[];
}

/** What came of a piece of work. */
export type Outcome = 'purged' | 'flattened' | 'done' | 'waiting';

/** Notes it; done also when it was noted already. One round trip. */
export async function addWork(io: IoContext, work: Work): Promise<void> {
  using operation = new WriteOperation(io);
  await operation.create().setKey(keyOf(work), encode(work)).run(OBJECT);
}

/** Done also when there is no such note. One round trip. */
export async function removeWork(io: IoContext, work: Pick<Work, 'do' | 'image'> & { readonly snapshot?: string }): Promise<void> {
  using operation = new WriteOperation(io);
  await operation.create().removeKey(keyOf(work)).run(OBJECT);
}

/** Whether it is noted. One round trip. */
export async function hasWork(io: IoContext, work: Pick<Work, 'do' | 'image'>): Promise<boolean> {
  return (await findKey(io, OBJECT, keyOf(work))) !== undefined;
}

/** The note of a copy. One round trip. */
export async function findCopy(io: IoContext, image: string): Promise<CopyWork | undefined> {
  const text = await findKey(io, OBJECT, keyOf({ do: 'copy', image }));
  const work = text === undefined ? undefined : decode(text);
  return work?.do === 'copy' ? work : undefined;
}

/** Replaces or removes the note of a copy if it still is `from` (undefined: if there is none); says whether it was. */
export async function swapCopy(io: IoContext, from: CopyWork | undefined, to: CopyWork | undefined): Promise<boolean> {
  const some = from ?? to;
  if (some === undefined) return true;
  const key = keyOf({ do: 'copy', image: some.image });
  using operation = new WriteOperation(io);
  operation.create().compareKey(key, from === undefined ? '' : encode(from));
  if (to === undefined) operation.removeKey(key);
  else operation.setKey(key, encode(to));
  try {
    await operation.run(OBJECT);
    return true;
  } catch (error) {
    if (isErrno(error, 'ECANCELED')) return false;
    throw error;
  }
}

/** All of it, whatever waits among it; what another version noted is left out. One round trip for each 512 pieces. */
export async function listWork(io: IoContext): Promise<Work[]> {
  const all: Work[] = [];
  for (let after = ''; ; ) {
    const page = await listKeys(io, OBJECT, after, PAGE);
    all.push(...[...page.values()].map(decode).filter((work) => work !== undefined));
    const last = [...page.keys()].at(-1);
    if (last === undefined || page.size < PAGE) return all;
    after = last;
  }
}

function keyOf(work: Pick<Work, 'do' | 'image'> & { readonly snapshot?: string }): string {
  return [work.do, work.image, work.snapshot].filter((part) => part !== undefined).join('/');
}

function encode(work: Work): string {
  return JSON.stringify({ v: 1, ...work }, (_, value: unknown) => (typeof value === 'bigint' ? { bytes: String(value) } : value));
}

/** Undefined for what another version wrote: it is left alone. */
function decode(text: string): Work | undefined {
  try {
    const work = JSON.parse(text, (_, value: unknown) => (isBytes(value) ? BigInt(value.bytes) : value));
    return work.v === 1 ? work : undefined;
  } catch {
    return undefined;
  }
}

function isBytes(value: unknown): value is { readonly bytes: string } {
  return typeof value === 'object' && value !== null && 'bytes' in value && typeof value.bytes === 'string';
}
