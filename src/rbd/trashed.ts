/**
 * Images in the trash. A move there that was cut off before its last write leaves an entry that stays "moving": Ceph
 * neither purges nor restores it, and says EUCLEAN. The directory tells how far it got: while it still has the image,
 * the volume is not deleted, and DeleteVolume moves it again; when it has not, only that last write is missing.
 *
 * The metadata key `loligo.deleted` says that Loligo was asked to delete the volume. One that a person moved to the
 * trash has none, and is that person's to purge or to bring back.
 */
import { endTrashMove, findDirectoryName, type IoContext, isErrno, moveToTrash, purgeFromTrash } from '#ceph';
import type { EngineScope } from './engine-scope.ts';
import type { SeenVolume } from './look.ts';
import { applyMetadata } from './record.ts';
import { removeWork } from './work-index.ts';

export const DELETION = 'loligo.deleted';

/** Marks the volume as deleted and moves it to the trash for its retention. */
export async function throwAway({ io, image, header, record }: SeenVolume): Promise<void> {
  await applyMetadata(io, header, { set: new Map([[DELETION, new Date().toISOString()]]), remove: [] });
  await moveToTrash(io, image, record.mutable.deleteRetention);
}

/** Done also when it is gone; 'waiting' while its move to the trash is not finished. */
export async function purge(io: IoContext, id: string, scope: EngineScope): Promise<'purged' | 'waiting'> {
  try {
    await purgeFromTrash(io, id, () => scope.progress());
  } catch (error) {
    if (isErrno(error, 'EUCLEAN')) return 'waiting';
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  await removeWork(io, { do: 'purge', image: id });
  return 'purged';
}

/** Finishes a move that nobody can be at work on any more; false when that is not ours to do. */
export async function finishTrashMove(io: IoContext, id: string): Promise<boolean> {
  if ((await findDirectoryName(io, id)) !== undefined) return false;
  await endTrashMove(io, id);
  return true;
}
