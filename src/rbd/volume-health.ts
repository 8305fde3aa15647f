import { Image } from '#ceph';
import { formatImage } from '#lib/handle';
import { findVolume, type SeenVolume, seeImage, volumeMissing } from './look.ts';
import { PoolHealth } from './pool-health.ts';
import type { Site } from './site.ts';
import type { HealthEntry, ImageRef, VolumeHealth } from './specs.ts';

/**
 * What is wrong with a volume, as far as it can be seen from here: its pools, its header, and whether the client that
 * holds its lock still answers. A few round trips; a locked image is opened to see its watchers.
 */
export async function volumeHealth(site: Site, ref: ImageRef): Promise<VolumeHealth> {
  const { pool, namespace, image } = ref;
  const volume = await findVolume(site, ref);
  if (volume === undefined) return { pool, namespace, image, entries: await whyMissing(site, ref) };
  const entries = [...(await poolEntries(site, volume, await PoolHealth.read(site))), ...(await lockEntries(volume))];
  return { pool, namespace, image, entries };
}

/** Of the image's pool and of the one that holds its data. */
export async function poolEntries(site: Site, { io, header }: SeenVolume, health: PoolHealth): Promise<HealthEntry[]> {
  const own = health.entriesOf({ id: io.poolId, name: io.pool });
  if (header.dataPoolId === undefined) return own;
  return [...own, ...health.entriesOf({ id: header.dataPoolId, name: await site.dataPoolOf(header) })];
}

/** Throws `not-found` unless the directory has the name and the header behind it is gone. */
async function whyMissing(site: Site, ref: ImageRef): Promise<HealthEntry[]> {
  const seen = await seeImage(await site.open(ref), ref.image);
  if (seen.is !== 'headless') throw volumeMissing(site, ref);
  const message = `the header of ${formatImage(ref)} (rbd_header.${seen.id}) is gone`;
  return [{ status: 'data-loss', reason: 'ImageHeaderMissing', message }];
}

async function lockEntries({ io, header, image }: SeenVolume): Promise<HealthEntry[]> {
  if (header.lockers.length === 0) return [];
  await using open = await Image.openReadOnly(io, { id: header.id });
  const watchers = await open.watchers();
  return header.lockers
    .filter((locker) => !watchers.some((watcher) => watcher.client === locker))
    .map((locker) => {
      const message = `client.${locker} holds the lock of ${image} and does not answer; its node may be away or cut off`;
      return { status: 'degraded', reason: 'LockHolderAway', message };
    });
}
