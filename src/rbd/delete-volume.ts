/**
 * DeleteVolume: to the trash, from where the reaper purges it once its retention is over and `undelete` brings it back.
 * A volume with snapshots cannot go there yet: it keeps its image as `<name>.deleted`, out of the way of a new volume
 * of that name, and goes when the last snapshot does.
 */
import { dropSnapshot, Image, type ImageHeader, type IoContext, listMetadata, readSnapshots, renameImage } from '#ceph';
import { Failure } from '#lib/failure';
import { DELETED, formatImage } from '#lib/handle';
import { checkpoint, type Scope } from '#lib/scope';
import { checkHolder, openToChange } from './change-image.ts';
import { freeFromAnyGroup } from './free-from-group.ts';
import { dropHalfMade, dropStaleId } from './half-made.ts';
import { findVolume, type SeenImage, type SeenVolume, seeImage } from './look.ts';
import { MIRROR_MARK } from './mirror/mark.ts';
import { isOthersImage } from './mirror/served-here.ts';
import { exceptDaemons, isUnused, strangersAmong } from './own-clients.ts';
import { readRecord } from './record.ts';
import type { Site } from './site.ts';
import { isNamed, readSnapshotRecord, recordedSnapshots } from './snapshot-record.ts';
import type { ImageRef } from './specs.ts';
import { isInternal, keepsImage, takeBackDeletion, throwAway } from './trashed.ts';
import { addWork, removeWork } from './work-index.ts';

export async function deleteVolume(site: Site, ref: ImageRef, scope: Scope): Promise<void> {
  const volume = await findVolume(site, ref, [MIRROR_MARK]);
  if (volume === undefined) return await settleAbsent(site, ref, scope);
  checkOurs(site, ref, volume);
  if (await isOthersImage(site, volume)) {
    scope.log.info({ volume: formatImage(ref) }, 'the image stays: it is the copy of a volume that another site has');
    return;
  }
  await checkUnused(volume, ref);
  await freeFromAnyGroup(site, volume);

  const kept = await dropInternalSnapshots(volume);
  checkpoint(scope);
  if (kept > 0 || !(await throwAway(volume))) await setAside(site, volume, ref);
}

/** There is no volume: an image that is not ours stays and is named, what a cut-off call left goes. */
async function settleAbsent(site: Site, ref: ImageRef, scope: Scope): Promise<void> {
  const io = await site.open(ref);
  const seen = await seeImage(io, ref.image);
  if (seen.is === 'headless') return await dropHalfMade(site, { ref, seen }, scope);
  if (seen.is === 'image') {
    if (readRecord(seen.header, ref.image) !== undefined)
      throw new Failure('busy', 'IMAGE_BUSY', `${formatImage(ref)} was made just now`);
    const message = `${formatImage(ref)} has no record of Loligo: it was not made by it, and is not deleted`;
    throw new Failure('precondition', 'IMAGE_NOT_OURS', message);
  }
  // A rename that was cut off, of a volume with snapshots, leaves it.
  await dropStaleId(site, ref);
}

function checkOurs(site: Site, ref: ImageRef, volume: SeenVolume): void {
  const { instance } = volume.record;
  if (instance === site.identity.instance) return;
  throw new Failure('precondition', 'OTHER_INSTANCE', `${formatImage(ref)} was made by the Loligo called ${instance}`);
}

/**
 * Throws `in-use` naming who has the image open, and `busy` where that is Loligo itself (another call, or an agent that
 * died and that Ceph has not forgotten yet) or may be a node that is away: the trash takes the lock.
 */
async function checkUnused(volume: SeenVolume, ref: ImageRef): Promise<void> {
  if (volume.header.lockers.length === 0 && (await isUnused(volume.io, volume.header.id))) return;
  await using image = await Image.openReadOnly(volume.io, { id: volume.header.id });
  const watchers = await exceptDaemons(volume.io, await image.watchers());
  if (watchers.length === 0) return await checkHolder(image, volume.header.lockers, ref.image);
  const strangers = await strangersAmong(volume.io, watchers);
  if (strangers.length === 0) throw new Failure('busy', 'IMAGE_BUSY', `Loligo itself has ${formatImage(ref)} open`);
  throw new Failure('in-use', 'IMAGE_IN_USE', `${formatImage(ref)} is in use by ${strangers.join(', ')}`);
}

/** Drops the snapshots that only clones needed; returns how many keep the image. */
async function dropInternalSnapshots(volume: SeenVolume): Promise<number> {
  const { io, header, image } = volume;
  if (header.snapshotIds.length === 0) return 0;
  const snapshots = await readSnapshots(io, header.id, header.snapshotIds);
  const internal = snapshots.filter(isInternal);
  if (internal.length > 0) {
    await using open = await openToChange(io, header, image);
    for (const snapshot of internal) await dropSnapshot(open, snapshot.name);
  }
  return snapshots.filter(keepsImage).length;
}

async function setAside(site: Site, volume: SeenVolume, ref: ImageRef): Promise<void> {
  const aside = ref.image + DELETED;
  if ((await seeImage(volume.io, aside)).is !== 'absent') await retireDeleted(site, ref);
  const taken = await seeImage(volume.io, aside);
  if (taken.is !== 'absent') throw await asideTaken(volume.io, { ...ref, image: aside }, taken);
  await addWork(volume.io, { do: 'retire', image: ref.image });
  await dropStaleId(site, { ...ref, image: aside });
  await renameImage(volume.io, ref.image, aside);
  // Only now: another deleter that saw no snapshot would move what has the name (T1).
  await takeBackDeletion(volume);
}

/** Names what can be deleted: not the snapshots that only clones hold, for they go by themselves. */
async function asideTaken(io: IoContext, ref: ImageRef, taken: SeenImage): Promise<Failure> {
  const names = taken.is === 'image' ? await keptSnapshots(io, taken.header) : [];
  const message =
    names.length === 0
      ? `${formatImage(ref)} is in the way, and has no snapshots of an earlier volume of that name: rename or remove it`
      : `${formatImage(ref)} still has snapshots of an earlier volume of that name; delete those first: ${names.join(', ')}`;
  return new Failure('precondition', 'DELETED_NAME_TAKEN', message);
}

/** As they are asked for: a part of a group snapshot by the group's name. */
async function keptSnapshots(io: IoContext, { id, snapshotIds }: ImageHeader): Promise<string[]> {
  const kept = (await readSnapshots(io, id, snapshotIds)).filter(keepsImage);
  const metadata = await listMetadata(io, id);
  const recorded = recordedSnapshots(metadata);
  return kept.map((info) => {
    const ours = recorded.find((name) => isNamed(info, name, readSnapshotRecord(metadata, name)));
    return ours ?? info.name;
  });
}

/** Moves a volume that was set aside to the trash, when nothing keeps it any more; says whether it did. */
export async function retireDeleted(site: Site, ref: ImageRef): Promise<boolean> {
  const volume = await findVolume(site, { ...ref, image: ref.image + DELETED });
  if (volume !== undefined) {
    if (volume.record.instance !== site.identity.instance) return false;
    if ((await dropInternalSnapshots(volume)) > 0) return false;
    if (!(await throwAway(volume))) {
      await takeBackDeletion(volume);
      return false;
    }
  }
  await removeWork(await site.open(ref), { do: 'retire', image: ref.image });
  return true;
}
