import { isSameNode } from '#lib/node-id';
import type { EngineScope } from './engine-scope.ts';
import { fenceNode } from './fence.ts';
import { isLost } from './lost-nodes.ts';
import { changePublications, isShared } from './publications.ts';
import type { Site } from './site.ts';
import type { UnpublishSpec } from './specs.ts';

/**
 * Takes a volume from a node, or ('') from all. Done also when it is not published there, or there is no such volume. A node
 * that is lost is cut off first, when it has the volume alone.
 */
export async function unpublishVolume(site: Site, { volume, node, fence }: UnpublishSpec, scope: EngineScope): Promise<void> {
  const io = await site.open(volume);
  const { image } = volume;
  await changePublications(io, { image, id: '' }, async (now) => {
    if (node === '') return now.length === 0 ? undefined : [];
    const here = now.find((publication) => isSameNode(publication.node, node));
    if (here === undefined) return undefined;
    if (!isShared(here.mode) && (fence || (await isLost(io, node))))
      await fenceNode(io, { image, nodes: [here.node, node] }, scope);
    return now.filter((publication) => publication !== here);
  });
}
