import { findHeader, type IoContext, isErrno, renameImage, restoreFromTrash } from '#ceph';
import { Failure } from '#lib/failure';
import { DELETED, formatImage } from '#lib/handle';
import { toVolume } from './compare-volume.ts';
import { dropStaleId, ensureIdObject } from './half-made.ts';
import { findVolume, getVolumeImage, seeImage, volumeMissing } from './look.ts';
import { RECORD, readRecord } from './record.ts';
import type { Site } from './site.ts';
import type { ImageRef, Volume } from './specs.ts';
import { DELETION, finishTrashMove, takeBackDeletion } from './trashed.ts';
import { walkTrash } from './walk-trash.ts';
import { removeWork } from './work-index.ts';

/** Brings back a volume that was deleted and not yet purged: from beside its snapshots, or the latest of that name from the trash. */
export async function undeleteVolume(site: Site, ref: ImageRef): Promise<Volume> {
  const io = await site.open(ref);
  if ((await seeImage(io, ref.image)).is !== 'absent') {
    throw new Failure('conflict', 'NAME_TAKEN', `${formatImage(ref)} exists; a deleted one cannot come back under its name`);
  }
  await dropStaleId(site, ref);
  if ((await findVolume(site, { ...ref, image: ref.image + DELETED })) !== undefined) {
    await renameImage(io, ref.image + DELETED, ref.image);
    await removeWork(io, { do: 'retire', image: ref.image });
  } else {
    await restore(io, await findTrashed(site, io, ref), ref.image);
  }
  const { header, record } = await getVolumeImage(site, ref, [DELETION]);
  await ensureIdObject(io, ref.image, header.id);
  if (header.metadata.has(DELETION)) await takeBackDeletion({ io, header });
  return toVolume({ at: io, record, size: header.size, dataPool: await site.dataPoolOf(header) });
}

async function restore(io: IoContext, id: string, name: string): Promise<void> {
  try {
    await restoreFromTrash(io, id, name);
  } catch (error) {
    if (!isErrno(error, 'EUCLEAN') || !(await finishTrashMove(io, id))) throw error;
    await restoreFromTrash(io, id, name);
  }
}

/** The id of the latest volume of that name in the trash that this instance made. */
async function findTrashed(site: Site, io: IoContext, ref: ImageRef): Promise<string> {
  let latest = { id: '', deletedAt: -1 };
  for await (const page of walkTrash(io)) {
    for (const entry of page) {
      if (entry.name !== ref.image && entry.name !== ref.image + DELETED) continue;
      const header = await findHeader(io, entry.id, [RECORD]);
      const record = header && readRecord(header, entry.name);
      if (record?.instance === site.identity.instance && entry.deletedAt > latest.deletedAt) latest = entry;
    }
  }
  if (latest.id === '') throw volumeMissing(site, ref);
  return latest.id;
}
