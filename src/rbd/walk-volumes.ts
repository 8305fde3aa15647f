/**
 * All volumes of this instance, in a fixed order: places by name, and in each the images as the pool's directory has
 * them. No image is opened. A listing's token is the last item, so it needs no state and survives the item's deletion.
 */
import { type IoContext, listDirectory } from '#ceph';
import { Failure } from '#lib/failure';
import { DELETED, formatPlace, isName, type Place } from '#lib/handle';
import { inParallel } from '#lib/in-parallel';
import { openPlaces } from './find-places.ts';
import { type SeenVolume, seeImage } from './look.ts';
import { RECORD, readRecord } from './record.ts';
import type { Site } from './site.ts';

const PAGE = 128;
const AT_ONCE = 16;

/**
 * An item of a listing, or where one begins: `pool[/namespace]/image[@snapshot]`, and `image:snapshot` for one of
 * `image.deleted`: so the longest token, with the cluster's name before it, has the 128 bytes that CSI lets it have.
 */
export interface Position extends Place {
  readonly image: string;
  readonly snapshot: string;
}

/** Undefined for '', the beginning. Throws `bad-token`. */
export function parsePosition(text: string): Position | undefined {
  if (text === '') return undefined;
  const [path = '', snapshot = '', ...rest] = text.split(/[@:]/);
  const parts = (text.includes(':') ? path + DELETED : path).split('/');
  const names = snapshot === '' ? parts : [...parts, snapshot];
  const [pool, second, third] = parts;
  if (pool === undefined || second === undefined || parts.length > 3 || rest.length > 0 || !names.every(isName)) {
    throw new Failure('bad-token', 'TOKEN_INVALID', 'the token of the listing is not one of ours; begin anew');
  }
  return third === undefined
    ? { pool, namespace: '', image: second, snapshot }
    : { pool, namespace: second, image: third, snapshot };
}

export function formatPosition(volume: { readonly io: Place; readonly image: string }, snapshot = ''): string {
  const { image } = volume;
  const at = `${formatPlace(volume.io)}/`;
  if (snapshot === '') return at + image;
  return at + (image.endsWith(DELETED) ? `${image.slice(0, -DELETED.length)}:${snapshot}` : `${image}@${snapshot}`);
}

/**
 * Volumes behind a position; when that names a snapshot, its own image comes first. Set-aside (`.deleted`) ones too.
 * `expected` is how many the caller is going to take (0 for all), so that not many more are looked at.
 */
export async function* walkVolumes(site: Site, after: Position | undefined, expected: number): AsyncGenerator<SeenVolume> {
  const pageSize = expected === 0 ? PAGE : Math.min(expected + 1, PAGE);
  const start = after === undefined ? '' : formatPlace(after);
  for await (const io of openPlaces(site, start)) {
    const within = after !== undefined && formatPlace(io) === start ? after : undefined;
    if (within !== undefined && within.snapshot !== '') yield* await seeAll(site, io, [within.image]);
    yield* walkPlace(site, io, { after: within?.image ?? '', pageSize });
  }
}

async function* walkPlace(
  site: Site,
  io: IoContext,
  { after, pageSize }: { readonly after: string; readonly pageSize: number },
): AsyncGenerator<SeenVolume> {
  for (let last = after; ; ) {
    const names = [...(await listDirectory(io, last, pageSize)).keys()];
    yield* await seeAll(site, io, names);
    const end = names.at(-1);
    if (end === undefined || names.length < pageSize) return;
    last = end;
  }
}

async function seeAll(site: Site, io: IoContext, names: readonly string[]): Promise<SeenVolume[]> {
  const seen = new Map<string, SeenVolume>();
  await inParallel(names, AT_ONCE, async (name) => {
    const volume = await seeOurs(site, io, name);
    if (volume !== undefined) seen.set(name, volume);
  });
  return names.flatMap((name) => seen.get(name) ?? []);
}

async function seeOurs(site: Site, io: IoContext, image: string): Promise<SeenVolume | undefined> {
  const seen = await seeImage(io, image, [RECORD]);
  if (seen.is !== 'image') return undefined;
  const record = readRecord(seen.header, image);
  return record?.instance === site.identity.instance ? { io, image, header: seen.header, record } : undefined;
}
