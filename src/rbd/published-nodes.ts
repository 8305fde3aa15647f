import { Image } from '#ceph';
import { parseNodeId } from '#lib/node-id';
import { getVolumeImage } from './look.ts';
import { listPublications } from './publications.ts';
import type { Site } from './site.ts';
import type { ImageRef } from './specs.ts';
import { hostOf } from './watcher-address.ts';

/**
 * The nodes that a volume is published at, and those that hold a watch on its image without that: a node is known by
 * the addresses in the ids of all publications of the place. Others' watches (our agents, rbd-mirror, an
 * administrator's) name no node.
 */
export async function publishedNodes(site: Site, ref: ImageRef): Promise<readonly string[]> {
  const { io, header, image } = await getVolumeImage(site, ref);
  const publications = await listPublications(io);
  const nodes = new Set(publications.get(image)?.map((publication) => publication.node) ?? []);
  await using open = await Image.openReadOnly(io, { id: header.id });
  const watching = new Set((await open.watchers()).map((watcher) => hostOf(watcher.address)));
  for (const { node } of [...publications.values()].flat()) {
    const addresses = parseNodeId(node)?.addresses ?? [];
    if (addresses.some((address) => watching.has(address))) nodes.add(node);
  }
  return [...nodes];
}
