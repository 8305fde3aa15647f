/**
 * Where volumes are published: the omap object `loligo.published` of a place, one key for each published image. It is
 * a fact of the site and is not mirrored.
 *   U1  a key's value is the whole list of the image's publications, and changes by compare-and-set only;
 *   U2  it names the image's id, and what it says of another id says nothing: a deleted volume's key goes when its image
 *       is purged, and does not stand in the way of a new volume of that name.
 */
import { findKey, type IoContext, isErrno, listKeys, WriteOperation } from '#ceph';
import { Failure } from '#lib/failure';
import { field, parseJson } from '#lib/json';
import type { AccessMode, Publication } from './specs.ts';

const PUBLISHED = 'loligo.published';
const VERSION = 1;
/** Attempts before a change that others always come before gives up. */
const ATTEMPTS = 8;
const PAGE = 1024;

/** An image's publications. */
export interface PublishedImage {
  /** Of the image that they are publications of (U2). */
  readonly id: string;
  readonly publications: readonly Publication[];
}

/** Removes the key of an image that is gone, unless it is another image's by now. */
export async function dropPublications(io: IoContext, image: string, id: string): Promise<void> {
  const text = await findKey(io, PUBLISHED, image);
  if (text !== undefined && parseEntry(text).id === id) await swap(io, image, { from: text, to: { id, publications: [] } });
}

/** Undefined leaves them as they are. */
type Change = readonly Publication[] | undefined;

/**
 * Changes an image's publications: `change` makes the new list of the old one, and runs anew when somebody else was
 * faster. `id` '' takes the key for whichever image it is of. Two round trips. Throws `busy` when that happens again
 * and again.
 */
export async function changePublications(
  io: IoContext,
  { image, id }: { readonly image: string; readonly id: string },
  change: (now: readonly Publication[]) => Change | Promise<Change>,
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const text = (await findKey(io, PUBLISHED, image)) ?? '';
    const entry = parseEntry(text);
    const publications = await change(id === '' || entry.id === id ? entry.publications : []);
    if (publications === undefined) return;
    if (await swap(io, image, { from: text, to: { id: id === '' ? entry.id : id, publications } })) return;
  }
  throw new Failure('busy', 'PUBLICATIONS_CONTENDED', `the publications of ${image} are being changed by others`);
}

/** True for the modes that several nodes may have a volume in. */
export function isShared(mode: AccessMode): boolean {
  return mode === 'multi-reader' || mode === 'multi-writer';
}

export async function isPublished(io: IoContext, image: string): Promise<boolean> {
  return parseEntry((await findKey(io, PUBLISHED, image)) ?? '').publications.length > 0;
}

/** Of every image of a place. One round trip for each 1024. */
export async function listPublications(io: IoContext): Promise<Map<string, PublishedImage>> {
  const all = new Map<string, PublishedImage>();
  for (let after = ''; ; ) {
    const page = await listKeys(io, PUBLISHED, after, PAGE);
    for (const [image, text] of page) all.set(image, parseEntry(text));
    const last = [...page.keys()].at(-1);
    if (last === undefined || page.size < PAGE) return all;
    after = last;
  }
}

async function swap(io: IoContext, image: string, to: { from: string; to: PublishedImage }): Promise<boolean> {
  using operation = new WriteOperation(io);
  operation.create().compareKey(image, to.from);
  if (to.to.publications.length === 0) operation.removeKey(image);
  else operation.setKey(image, JSON.stringify({ v: VERSION, ...to.to }));
  try {
    await operation.run(PUBLISHED);
    return true;
  } catch (error) {
    if (isErrno(error, 'ECANCELED')) return false;
    throw error;
  }
}

/** Throws `precondition` for what cannot be read: taking it for "published nowhere" would open the guard. */
function parseEntry(text: string): PublishedImage {
  if (text === '') return { id: '', publications: [] };
  const parsed = parseJson(text);
  if (isEntry(parsed)) return parsed;
  throw new Failure('precondition', 'PUBLICATIONS_UNREADABLE', `${PUBLISHED} holds what this Loligo cannot read: update it`);
}

function isEntry(value: unknown): value is PublishedImage {
  const publications = field(value, 'publications');
  if (field(value, 'v') !== VERSION || typeof field(value, 'id') !== 'string') return false;
  return Array.isArray(publications) && publications.every(isPublication);
}

function isPublication(value: unknown): value is Publication {
  const texts = ['node', 'mode'].every((name) => typeof field(value, name) === 'string');
  return texts && typeof field(value, 'readonly') === 'boolean';
}
