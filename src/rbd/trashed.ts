/**
 * Images in the trash. A move there that was cut off before its last write leaves an entry that stays "moving": Ceph
 * neither purges nor restores it, and says EUCLEAN. The directory tells how far it got: while it still has the image,
 * the volume is not deleted, and DeleteVolume moves it again; when it has not, only that last write is missing.
 *
 * The metadata key `loligo.deleted` says that Loligo was asked to delete the volume. One that a person moved to the
 * trash has none, and is that person's to purge or to bring back.
 *
 * Another controller may take a snapshot meanwhile, for an image opens by its id in the trash too:
 *   T1  the key is written, then the snapshots are looked at, then the image is moved: one that has a snapshot by then is
 *       set aside instead, and the key removed again when it is;
 *   T2  who took a snapshot looks for the key, or for the image's absence, before saying so: nobody is ever told of a
 *       snapshot whose image goes to the trash, so those that lie there with a record of ours may go with it;
 *   T3  a key that is older than any deleter can live says nothing of an image that is not in the trash.
 */
import {
  endTrashMove,
  findDirectoryId,
  findDirectoryName,
  findHeader,
  type ImageHeader,
  type IoContext,
  isErrno,
  moveToTrash,
  purgeFromTrash,
  readSnapshots,
  type SnapshotInfo,
} from '#ceph';
import { Failure } from '#lib/failure';
import { INTERNAL } from '#lib/handle';
import type { EngineScope } from './engine-scope.ts';
import type { SeenVolume } from './look.ts';
import { applyMetadata } from './record.ts';
import type { Site } from './site.ts';
import { removeWork } from './work-index.ts';

export const DELETION = 'loligo.deleted';

/** Whether somebody may be about to move the image to the trash (T3). */
export function isBeingDeleted(site: Site, { metadata }: Pick<ImageHeader, 'metadata'>): boolean {
  const since = Date.parse(metadata.get(DELETION) ?? '');
  return !Number.isNaN(since) && site.mayBeUnderWay(since);
}

/** Marks the volume as deleted and moves it to the trash for its retention; false when it has a snapshot by now (T1). */
export async function throwAway(volume: SeenVolume): Promise<boolean> {
  const { io, image, header, record } = volume;
  await applyMetadata(io, header, { set: new Map([[DELETION, new Date().toISOString()]]), remove: [] });
  const now = await findHeader(io, header.id, []);
  if (now !== undefined && (await readSnapshots(io, now.id, now.snapshotIds)).some(keepsImage)) return false;
  try {
    await moveToTrash(io, image, record.mutable.deleteRetention);
  } catch (error) {
    if (!isErrno(error, 'ESTALE', 'ENOENT')) throw error;
    // Somebody else moved or renamed it; while it is in the directory, that is not done.
    if ((await findDirectoryId(io, image)) === header.id) throw beingMoved(volume, error);
  }
  return true;
}

function beingMoved({ image }: SeenVolume, cause: unknown): Failure {
  return new Failure('busy', 'IMAGE_BUSY', `${image} is being moved to the trash by another call`, { cause });
}

/** For a volume that stays after all. */
export async function takeBackDeletion({ io, header }: Pick<SeenVolume, 'io' | 'header'>): Promise<void> {
  await applyMetadata(io, header, { set: new Map(), remove: [DELETION] });
}

/** A snapshot that somebody was given. Those in the trash namespace wait for clones and go with the last; internal ones go first. */
export function keepsImage(snapshot: SnapshotInfo): boolean {
  return snapshot.namespace.kind === 'group' || (snapshot.namespace.kind === 'user' && !isInternal(snapshot));
}

/** One that only a clone needs while it is made. */
export function isInternal({ namespace, name }: SnapshotInfo): boolean {
  return namespace.kind === 'user' && name.startsWith(INTERNAL);
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
