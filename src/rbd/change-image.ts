import { Image, type ImageHeader, type IoContext } from '#ceph';
import { Failure } from '#lib/failure';
import { isOwnClient } from './own-clients.ts';
import { isPublished } from './publications.ts';

/**
 * Opens an image for an operation that takes its exclusive lock. When the holder of the lock no longer watches the
 * image, librbd would break the lock and blocklist the holder: a node that only had a hiccup, and every volume on it.
 * So that is refused as `busy`; only fencing breaks locks. A holder that is blocklisted already (an agent of ours that
 * was killed, a fenced node) loses its lock to librbd; so do a client of Loligo's own, through which no node has a
 * volume, and whoever holds a volume that is published nowhere (a mapper that was killed, a node that was given up).
 */
export async function openToChange(io: IoContext, header: Pick<ImageHeader, 'id' | 'lockers'>, name: string): Promise<Image> {
  const image = await Image.open(io, { id: header.id });
  try {
    await checkHolder(image, header.lockers, name);
    return image;
  } catch (error) {
    await image[Symbol.asyncDispose]();
    throw error;
  }
}

/** Throws `busy` when the holder of the lock does not watch the image any more, was not fenced and may be a node. */
export async function checkHolder(image: Image, lockers: readonly bigint[], name: string): Promise<void> {
  if (lockers.length === 0) return;
  const watchers = await image.watchers();
  const away = lockers.find((locker) => !watchers.some((watcher) => watcher.client === locker));
  if (away === undefined || (await mayLoseIt(image, away)) || !(await isPublished(image.io, name))) return;
  const message = `client.${away} holds the lock of ${name} and does not answer; its node may be away, or has to be fenced`;
  throw new Failure('busy', 'LOCK_HOLDER_AWAY', message);
}

async function mayLoseIt(image: Image, client: bigint): Promise<boolean> {
  const holder = (await image.lockers()).find((locker) => locker.client === client);
  if (holder === undefined) return false;
  return (await isOwnClient(image.io, holder.address)) || (await image.io.cluster.blocklisted()).has(holder.address);
}
