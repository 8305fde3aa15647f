/**
 * Images in the trash. A move there that was cut off before its last write leaves an entry that stays "moving": Ceph
 * neither purges nor restores it, and says EUCLEAN. The directory tells how far it got: while it still has the image,
 * the volume is not deleted, and DeleteVolume moves it again; when it has not, only that last write is missing.
 */
import { endTrashMove, findDirectoryName, type IoContext, isErrno, purgeFromTrash } from '#ceph';
import type { EngineScope } from './engine-scope.ts';
import { removeWork } from './work-index.ts';

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
