import { findDirectoryId, Image, type IoContext, isErrno } from '#ceph';
import { formatPlace } from '#lib/handle';
import { inParallel } from '#lib/in-parallel';
import { parseNodeId } from '#lib/node-id';
import { isUnused } from './own-clients.ts';
import { listPublications, type PublishedImage } from './publications.ts';
import type { Site } from './site.ts';
import type { ImageRef } from './specs.ts';
import { hostOf } from './watcher-address.ts';

/** Volumes looked at at once. */
const AT_ONCE = 16;

/**
 * The nodes that each of the volumes is published at, and those that hold a watch on its image without that, in the
 * volumes' order; none for a volume that is gone. A node is known by the addresses in the ids of all publications of the
 * place. Others' watches (our agents, rbd-mirror, an administrator's) name no node.
 *
 * A place's publications are read once. In a place without any no image is looked at; else one costs two round trips while
 * nobody has it open.
 */
export async function publishedNodes(
  site: Site,
  { volumes }: { readonly volumes: readonly ImageRef[] },
): Promise<readonly (readonly string[])[]> {
  const found = new Map<ImageRef, readonly string[]>();
  for (const some of Map.groupBy(volumes, formatPlace).values()) {
    for (const [volume, nodes] of await nodesIn(site, some)) found.set(volume, nodes);
  }
  return volumes.map((volume) => found.get(volume) ?? []);
}

/** Of volumes in one place. */
async function nodesIn(site: Site, volumes: readonly ImageRef[]): Promise<ReadonlyMap<ImageRef, readonly string[]>> {
  const found = new Map<ImageRef, readonly string[]>();
  const [first] = volumes;
  if (first === undefined) return found;
  const io = await site.open(first);
  const publications = await listPublications(io);
  const known = new Set([...publications.values()].flatMap(nodesOf));
  if (known.size === 0) return found;
  await inParallel(volumes, AT_ONCE, async (volume) => {
    const id = await findDirectoryId(io, volume.image);
    if (id === undefined) return;
    const entry = publications.get(volume.image);
    const nodes = entry?.id === id ? nodesOf(entry) : [];
    const others = [...known].filter((node) => !nodes.includes(node));
    found.set(volume, [...nodes, ...(await watchingAmong(io, { id, isPublished: nodes.length > 0 }, others))]);
  });
  return found;
}

function nodesOf({ publications }: PublishedImage): readonly string[] {
  return publications.map(({ node }) => node);
}

/** Those of the nodes that hold a watch on the image. */
async function watchingAmong(
  io: IoContext,
  { id, isPublished }: { readonly id: string; readonly isPublished: boolean },
  nodes: readonly string[],
): Promise<readonly string[]> {
  if (nodes.length === 0) return [];
  try {
    // Who has a published one open would be disturbed by the question, and most likely somebody has.
    if (!isPublished && (await isUnused(io, id))) return [];
    await using image = await Image.openReadOnly(io, { id });
    const watching = new Set((await image.watchers()).map(({ address }) => hostOf(address)));
    return nodes.filter((node) => parseNodeId(node)?.addresses.some((address) => watching.has(address)));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []; // it is gone by now
    throw error;
  }
}
