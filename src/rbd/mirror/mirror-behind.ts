import { findObjectMap } from '#ceph';
import type { ImageRef } from '#lib/handle';
import { FAST_DIFF } from '../features.ts';
import { imageMissing, seeImage } from '../look.ts';
import type { Site } from '../site.ts';

interface Asked {
  readonly volume: ImageRef;
  readonly since: string;
}

/**
 * From the object maps: each says what changed since the snapshot before it, so what any of those behind `since` and the
 * image's own says is behind. Whole objects, and so an upper bound.
 */
export async function mirrorBehind(site: Site, { volume, since }: Asked): Promise<{ readonly bytes: bigint | undefined }> {
  const io = await site.open(volume);
  const look = await seeImage(io, volume.image);
  if (look.is !== 'image') throw imageMissing(site, volume);
  const { id, features, order, size, snapshotIds } = look.header;
  if ((features & FAST_DIFF) === 0n) return { bytes: undefined };
  const objectSize = 1n << BigInt(order);
  const objects = (size + objectSize - 1n) / objectSize;
  const newer = snapshotIds.filter((snapshotId) => snapshotId > BigInt(since));
  const maps = await Promise.all([...newer, undefined].map((snapshotId) => findObjectMap(io, id, { snapshotId, objects })));
  if (maps.some((map) => map === undefined)) return { bytes: undefined };
  const changed = countChanged(maps.filter((map) => map !== undefined));
  const bytes = BigInt(changed) * objectSize;
  return { bytes: bytes < size ? bytes : size };
}

/** Objects whose state is "exists, changed" in any of the maps. */
function countChanged(maps: readonly Buffer[]): number {
  const length = Math.max(...maps.map((map) => map.length));
  let changed = 0;
  for (let at = 0; at < length; at += 1) {
    let seen = 0;
    for (const map of maps) {
      const states = map[at] ?? 0;
      seen |= states & 0b01010101 & ~((states >> 1) & 0b01010101);
    }
    for (; seen !== 0; seen &= seen - 1) changed += 1;
  }
  return changed;
}
