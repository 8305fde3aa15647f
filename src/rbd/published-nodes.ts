import { Image } from '#ceph';
import { parseNodeId } from '#lib/node-id';
import { getVolumeImage } from './look.ts';
import { listPublications } from './publications.ts';
import type { Site } from './site.ts';
import type { ImageRef } from './specs.ts';

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
  const watching = new Set((await open.watchers()).map((watcher) => addressOf(watcher.address)));
  for (const { node } of [...publications.values()].flat()) {
    const addresses = parseNodeId(node)?.addresses ?? [];
    if (addresses.some((address) => watching.has(address))) nodes.add(node);
  }
  return [...nodes];
}

/** `10.0.0.5:0/123` and `[fd00::5]:0/123` without port and nonce. */
function addressOf(watcher: string): string {
  const end = watcher.lastIndexOf(':');
  return watcher.slice(0, end).replace(/^(?:v[12]:)?\[?(.*?)\]?$/, '$1');
}
