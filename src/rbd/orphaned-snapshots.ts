import { dropSnapshotById, type ImageHeader, type IoContext, readSnapshots, type SnapshotInfo } from '#ceph';
import { openToChange } from './change-image.ts';

/**
 * A snapshot in the trash namespace without clones: nobody needs it. librbd puts one there before it removes it, so a
 * removal that was cut off leaves it, and would keep the image for ever.
 */
export function isOrphaned(info: SnapshotInfo): boolean {
  return info.namespace.kind === 'trash' && info.children === 0;
}

/** Drops these of an image; gives how many snapshots are left. */
export async function dropOrphaned(
  io: IoContext,
  header: Pick<ImageHeader, 'id' | 'lockers' | 'snapshotIds'>,
  name: string,
): Promise<number> {
  if (header.snapshotIds.length === 0) return 0;
  const infos = await readSnapshots(io, header.id, header.snapshotIds);
  const orphaned = infos.filter(isOrphaned);
  if (orphaned.length > 0) {
    await using image = await openToChange(io, header, name);
    for (const info of orphaned) await dropSnapshotById(image, info.id);
  }
  return infos.length - orphaned.length;
}
