/**
 * Work that is to be done later, and outlives us: the omap object `loligo.work` of a place, one key for each piece. It
 * carries the place's locks too (place-lock.ts).
 *   W1  a key is written before the first thing that it would clean up or finish is made, and removed after the last;
 *   W2  a key may be there with nothing left to do; doing its work again is harmless;
 *   W3  losing the object loses no volume: only a flatten that was asked for, or an internal snapshot that
 *       DeleteVolume would drop.
 */
import { findKey, type IoContext, listKeys, WriteOperation } from '#ceph';
import { field, parseJson } from '#lib/json';

export const WORK = 'loligo.work';
const PAGE = 512;

export type Work =
  /** Let the image go of its parents; a time before which that must not begin is in milliseconds since the epoch. */
  | { readonly do: 'flatten'; readonly image: string; readonly since: number; readonly notBefore?: number }
  /** Drop an internal snapshot that a cut-off clone left. */
  | { readonly do: 'drop-snapshot'; readonly image: string; readonly snapshot: string; readonly since: number }
  /** Move a deleted volume to the trash once its snapshots are gone; `image` is its volume name. */
  | { readonly do: 'retire'; readonly image: string }
  /** Remove what is left of an image in the trash whose removal was begun; `image` is its id. */
  | { readonly do: 'purge'; readonly image: string }
  /** Flatten clones of an image that has too many snapshots, the oldest first. */
  | { readonly do: 'flatten-children'; readonly image: string };

/** What came of a piece of work. */
export type Outcome = 'purged' | 'flattened' | 'done' | 'waiting';

/** Notes it; done also when it was noted already. One round trip. */
export async function addWork(io: IoContext, work: Work): Promise<void> {
  using operation = new WriteOperation(io);
  await operation.create().setKey(keyOf(work), encode(work)).run(WORK);
}

/** Done also when there is no such note. One round trip. */
export async function removeWork(io: IoContext, work: Pick<Work, 'do' | 'image'> & { readonly snapshot?: string }): Promise<void> {
  using operation = new WriteOperation(io);
  await operation.create().removeKey(keyOf(work)).run(WORK);
}

/** Whether it is noted. One round trip. */
export async function hasWork(io: IoContext, work: Pick<Work, 'do' | 'image'>): Promise<boolean> {
  return (await findKey(io, WORK, keyOf(work))) !== undefined;
}

/** All of it, whatever waits among it; what another version noted is left out. One round trip for each 512 pieces. */
export async function listWork(io: IoContext): Promise<Work[]> {
  const all: Work[] = [];
  for (let after = ''; ; ) {
    const page = await listKeys(io, WORK, after, PAGE);
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
  return JSON.stringify({ v: 1, ...work });
}

const KINDS: Readonly<Record<Work['do'], true>> = {
  flatten: true,
  'drop-snapshot': true,
  retire: true,
  purge: true,
  'flatten-children': true,
};

/** Undefined for what another version wrote: it is left alone. */
function decode(text: string): Work | undefined {
  const work = parseJson(text);
  const kind = field(work, 'do');
  // The only writer of these keys is `encode`.
  return field(work, 'v') === 1 && typeof kind === 'string' && Object.hasOwn(KINDS, kind) ? (work as Work) : undefined;
}
