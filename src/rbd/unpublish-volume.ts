import { changePublications } from './publications.ts';
import type { Site } from './site.ts';
import type { ImageRef } from './specs.ts';

/** Takes a volume from a node, or ('') from all. Done also when it is not published there, or there is no such volume. */
export async function unpublishVolume(
  site: Site,
  { volume, node }: { readonly volume: ImageRef; readonly node: string },
): Promise<void> {
  const io = await site.open(volume);
  await changePublications(io, { image: volume.image, id: '' }, (now) => {
    const left = node === '' ? [] : now.filter((publication) => publication.node !== node);
    return left.length === now.length ? undefined : left;
  });
}
