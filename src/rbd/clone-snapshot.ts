/** Makes a volume of a snapshot: a clone of format 2, so that the snapshot can be deleted while its clones live on. */
import { cloneImage, findImageId, type ImageHeader, type IoContext, type SnapshotInfo } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { checkpoint, type Scope } from '#lib/scope';
import { openToChange } from './change-image.ts';
import { chooseSize } from './choose-size.ts';
import { isDeeperThan } from './clone-depth.ts';
import { featureBits, JOURNALING } from './features.ts';
import { imageOptions } from './image-shape.ts';
import type { SeenVolume } from './look.ts';
import type { Made } from './made.ts';
import type { Site } from './site.ts';
import { getSnapshotImage } from './snapshot-record.ts';
import type { SnapshotRef, VolumeSpec } from './specs.ts';
import { addWork } from './work-index.ts';
import { isLeftToLibrbd, planImage, writeClone } from './write-image.ts';

export async function makeFromSnapshot(site: Site, want: VolumeSpec, from: SnapshotRef, scope: Scope): Promise<Made> {
  const seen = await getSnapshotImage(site, from);
  checkEncryption(want, seen.volume);
  const size = chooseSize(want, seen.info.size);

  await planFlatten(site, want, seen.volume);
  checkpoint(scope);
  return await makeClone(site, want, { parent: seen.volume, snapshot: seen.info, size });
}

/** A copy has its source's bytes, so it is encrypted just when that is. */
export function checkEncryption(want: VolumeSpec, { record }: Pick<SeenVolume, 'record'>): void {
  if ((want.key === '') === (record.luksHeader === undefined)) return;
  const [copy, source] = want.key === '' ? ['is not to be', 'is'] : ['is to be', 'is not'];
  const message = `${formatImage(want)} ${copy} encrypted, and its source ${record.name} ${source}: use a class that is as the source's`;
  throw new Failure('invalid', 'ENCRYPTION_DIFFERS', message);
}

export interface ClonePlan {
  readonly parent: SeenVolume;
  readonly snapshot: Pick<SnapshotInfo, 'id' | 'name' | 'size' | 'namespace'>;
  /** Bytes of the image wanted. */
  readonly size: bigint;
}

/** Throws CephError EEXIST for a name that is taken; cut off, it leaves a clone without its record, perhaps not grown. */
export async function makeClone(site: Site, want: VolumeSpec, { parent, snapshot, size }: ClonePlan): Promise<Made> {
  const io = await site.openToMake(want);
  const features = featureBits(want.layout.features);
  // Before librbd 19 it does not clone a group's member, though all that a clone is made of is the same.
  if (snapshot.namespace.kind === 'group' || !(await isLeftToLibrbd(site, want))) {
    const image = await planImage(site, want, size);
    await writeClone(io, image, { io: parent.io, imageId: parent.header.id, snapshotId: snapshot.id, size: snapshot.size });
    const withJournal = await ensureJournal(io, want, image);
    return { id: image.id, size, features: withJournal, inherits: false, marked: false };
  }
  const from = { io: parent.io, image: parent.image, snapshot: snapshot.name };
  await cloneImage(from, { io, image: want.image, options: imageOptions(want) });
  const id = await findImageId(io, want.image);
  if (id === undefined) throw new Failure('busy', 'IMAGE_VANISHED', `${formatImage(want)} was removed while it was being made`);
  if (size > snapshot.size) await growClone(io, id, want.image, size);
  return { id, size, features, inherits: true, marked: false };
}

/** The journal is librbd's to make, of an image that is there. Gives the features that the image has then. */
export async function ensureJournal(io: IoContext, want: VolumeSpec, image: { id: string; features: bigint }): Promise<bigint> {
  if (!want.layout.features.includes('journaling') || (image.features & JOURNALING) !== 0n) return image.features;
  await using open = await openToChange(io, { id: image.id, lockers: [] }, want.image);
  await open.enableFeatures(JOURNALING);
  return image.features | JOURNALING;
}

/** Bytes. Repeatable: a clone that is as large already stays as it is. */
export async function growClone(io: IoContext, id: string, name: string, size: bigint): Promise<void> {
  await using image = await openToChange(io, { id, lockers: [] }, name);
  await image.grow(size);
}

/** Notes before the clone is made that it is to be flattened: because its class says so, or its chain gets too deep. */
export async function planFlatten(site: Site, want: VolumeSpec, parent: SeenVolume): Promise<void> {
  const { maxCloneDepth } = want.mutable;
  const isDue = want.flatten || (maxCloneDepth > 0 && (await isDeeperThan(site, parent.header, maxCloneDepth - 1)));
  if (isDue) await noteFlatten(site, want);
}

/** The same for a clone that an earlier call made: the note of that one may have been given up meanwhile. */
export async function planFlattenAgain(site: Site, want: VolumeSpec, clone: Pick<ImageHeader, 'parent'>): Promise<void> {
  const { maxCloneDepth } = want.mutable;
  const isDue = want.flatten || (maxCloneDepth > 0 && (await isDeeperThan(site, clone, maxCloneDepth)));
  if (isDue && clone.parent !== undefined) await noteFlatten(site, want);
}

async function noteFlatten(site: Site, want: VolumeSpec): Promise<void> {
  await addWork(await site.openToMake(want), { do: 'flatten', image: want.image, since: Date.now() });
}
