import { findDirectoryId, Image, isErrno, type Watcher } from '#ceph';
import { inParallel } from '#lib/in-parallel';
import type { Scope } from '#lib/scope';
import type { Site } from '../site.ts';
import { daemonsAmong, type MirrorPlace, openMirrorPlace } from './mirrored-image.ts';
import type { ImagesSpec } from './specs.ts';

const AT_ONCE = 32;
/** Longer than any daemon that hangs on a dead peer needs to be forgotten; a new one of it has a new address. */
const CUT_OFF_SECONDS = 3600;
const LOOK_MS = 250;
/** How long to wait for the watches to go; once cut off they do at once. */
const WAIT_MS = 10_000;

interface Stopped {
  readonly cutOff: readonly string[];
  readonly stillWatching: readonly string[];
}

export async function stopReplay(site: Site, { place, images }: ImagesSpec, scope: Scope): Promise<Stopped> {
  const at = await openMirrorPlace(site, place);
  const addresses = await watchingDaemons(at, images);
  for (const address of addresses) await site.cluster.blocklist(address, CUT_OFF_SECONDS);
  if (addresses.length > 0) await site.cluster.waitForLatestMap();
  const end = Math.min(scope.deadline, Date.now() + WAIT_MS);
  for (;;) {
    const left = await watchingDaemons(at, addresses.length === 0 ? [] : images);
    if (left.length === 0 || Date.now() > end) return { cutOff: addresses, stillWatching: left };
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}

/** Lets in again whom `stopReplay` cut off. */
export async function allowReplay(site: Site, { addresses }: { readonly addresses: readonly string[] }): Promise<void> {
  for (const addr of addresses) await site.cluster.monCommand({ prefix: 'osd blocklist', blocklistop: 'rm', addr });
}

async function watchingDaemons(at: MirrorPlace, images: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  await inParallel(images, AT_ONCE, async (image) => {
    for (const { address } of await daemonsAmong(at, await watchersOf(at, image))) found.add(address);
  });
  return [...found];
}

async function watchersOf({ io }: MirrorPlace, image: string): Promise<readonly Watcher[]> {
  const id = await findDirectoryId(io, image);
  if (id === undefined) return [];
  try {
    await using open = await Image.openReadOnly(io, { id });
    return await open.watchers();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
