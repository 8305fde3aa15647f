import { findHeader, type ImageHeader } from '#ceph';
import type { Site } from './site.ts';

/** Whether an image has more parents above it than that. One round trip for each parent looked at. */
export async function isDeeperThan(site: Site, header: Pick<ImageHeader, 'parent'>, depth: number): Promise<boolean> {
  let { parent } = header;
  for (let seen = 0; parent !== undefined; seen += 1) {
    if (seen >= depth) return true;
    const io = await site.cluster.open(await site.poolName(parent.poolId), parent.namespace);
    parent = (await findHeader(io, parent.imageId, []))?.parent;
  }
  return false;
}
