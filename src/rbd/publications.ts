/**
 * Where volumes are published: the omap object `loligo.published` of a place, one key for each published image. It is
 * a fact of the site and is not mirrored.
 *   U1  a key's value is the whole list of the image's publications, and changes by compare-and-set only;
 *   U2  a key without an image is rubbish: deleting a volume takes its key along first.
 */
import { findKey, type IoContext, isErrno, listKeys, WriteOperation } from '#ceph';
import { Failure } from '#lib/failure';
import type { Publication } from './specs.ts';

export const PUBLISHED = 'loligo.published';
const VERSION = 1;

export async function dropPublications(io: IoContext, image: string): Promise<void> {
  using operation = new WriteOperation(io);
  operation.assertExists().removeKey(image);
  try {
    await operation.run(PUBLISHED);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** Undefined leaves them as they are. */
type Change = readonly Publication[] | undefined;

/** Attempts before a change that others always come before gives up. */
const ATTEMPTS = 8;
const PAGE = 1024;

/**
 * Changes an image's publications: `change` makes the new list of the old one, and runs
 * anew when somebody else was faster. Two round trips. Throws `busy` when that happens again and again.
 */
export async function changePublications(
  io: IoContext,
  image: string,
  change: (now: readonly Publication[]) => Change | Promise<Change>,
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const text = (await findKey(io, PUBLISHED, image)) ?? '';
    const next = await change(parsePublications(text));
    if (next === undefined || (await swap(io, image, { from: text, to: next }))) return;
  }
  throw new Failure('busy', 'PUBLICATIONS_CONTENDED', `the publications of ${image} are being changed by others`);
}

export async function readPublications(io: IoContext, image: string): Promise<readonly Publication[]> {
  return parsePublications((await findKey(io, PUBLISHED, image)) ?? '');
}

/** Of every image of a place. One round trip for each 1024. */
export async function listPublications(io: IoContext): Promise<Map<string, readonly Publication[]>> {
  const all = new Map<string, readonly Publication[]>();
  for (let after = ''; ; ) {
    const page = await listKeys(io, PUBLISHED, after, PAGE);
    for (const [image, text] of page) all.set(image, parsePublications(text));
    const last = [...page.keys()].at(-1);
    if (last === undefined || page.size < PAGE) return all;
    after = last;
  }
}

async function swap(io: IoContext, image: string, to: { from: string; to: readonly Publication[] }): Promise<boolean> {
  using operation = new WriteOperation(io);
  operation.create().compareKey(image, to.from);
  if (to.to.length === 0) operation.removeKey(image);
  else operation.setKey(image, JSON.stringify({ v: VERSION, publications: to.to }));
  try {
    await operation.run(PUBLISHED);
    return true;
  } catch (error) {
    if (isErrno(error, 'ECANCELED')) return false;
    throw error;
  }
}

/** Throws `precondition` for what cannot be read: taking it for "published nowhere" would open the guard. */
function parsePublications(text: string): readonly Publication[] {
  if (text === '') return [];
  try {
    const parsed: unknown = JSON.parse(text);
    if (isList(parsed)) return parsed.publications;
  } catch {
    // Said below.
  }
  throw new Failure('precondition', 'PUBLICATIONS_UNREADABLE', `${PUBLISHED} holds what this Loligo cannot read: update it`);
}

function isList(value: unknown): value is { readonly publications: readonly Publication[] } {
  if (typeof value !== 'object' || value === null) return false;
  const publications: unknown = Reflect.get(value, 'publications');
  return Reflect.get(value, 'v') === VERSION && Array.isArray(publications) && publications.every(isPublication);
}

function isPublication(value: unknown): value is Publication {
  if (typeof value !== 'object' || value === null) return false;
  const field = (name: string): unknown => Reflect.get(value, name);
  return typeof field('node') === 'string' && typeof field('mode') === 'string' && typeof field('readonly') === 'boolean';
}
