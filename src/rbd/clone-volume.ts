/**
 * Makes a volume of another: an internal snapshot, a clone of it, and the snapshot dropped again (it lives on in the
 * source's trash namespace until the clone is flattened or gone). Clone requests of one source share a snapshot.
 */
import { randomBytes } from 'node:crypto';
import { dropSnapshot, readSnapshots, snapshotIdOf, takeSnapshot } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage, INTERNAL } from '#lib/handle';
import { checkpoint, type Scope } from '#lib/scope';
import { openToChange } from './change-image.ts';
import { chooseSize } from './choose-size.ts';
import { type ClonePlan, checkEncryption, makeClone, planFlatten } from './clone-snapshot.ts';
import { checkNotFlattening } from './flattening.ts';
import { getVolumeImage, type SeenVolume } from './look.ts';
import type { Made } from './made.ts';
import { checkRoom } from './room.ts';
import type { Site } from './site.ts';
import { checkSnapshotRoom } from './snapshot-room.ts';
import type { ImageRef, VolumeSpec } from './specs.ts';
import { addWork, removeWork } from './work-index.ts';

export async function makeFromVolume(site: Site, want: VolumeSpec, from: ImageRef, scope: Scope): Promise<Made> {
  const source = await getVolumeImage(site, from);
  // What cannot be is refused before a snapshot is taken for it.
  checkEncryption(want, source);
  chooseSize(want, source.header.size);
  await checkNotFlattening(source);
  await checkSnapshotRoom(source);
  await checkRoom(source.io);
  await planFlatten(site, want, source);
  checkpoint(scope);

  return await site.internalSnapshots.share(formatImage(from), {
    take: () => takeInternal(source),
    drop: (snapshot) => dropInternal(source, snapshot.name),
    // The source may have grown since.
    use: (snapshot) => makeClone(site, want, { parent: source, snapshot, size: chooseSize(want, snapshot.size) }),
  });
}

async function takeInternal(source: SeenVolume): Promise<ClonePlan['snapshot']> {
  const snapshot = `${INTERNAL}clone-${randomBytes(8).toString('hex')}`;
  await addWork(source.io, { do: 'drop-snapshot', image: source.image, snapshot, since: Date.now() });
  await using image = await openToChange(source.io, source.header, source.image);
  await takeSnapshot(image, snapshot);
  // The image may have grown since: what is cloned is as large as the snapshot.
  const [info] = await readSnapshots(source.io, source.header.id, [await snapshotIdOf(image, snapshot)]);
  if (info === undefined) throw new Failure('busy', 'IMAGE_BUSY', `snapshot ${snapshot} of ${source.image} was removed at once`);
  return info;
}

async function dropInternal(source: SeenVolume, snapshot: string): Promise<void> {
  await using image = await openToChange(source.io, source.header, source.image);
  await dropSnapshot(image, snapshot);
  await removeWork(source.io, { do: 'drop-snapshot', image: source.image, snapshot });
}
