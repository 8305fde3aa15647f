import { findHeader, type ImageHeader, listChildren, readSnapshots } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { chooseSize } from './choose-size.ts';
import { sameFeatures, sameObjects } from './compare-volume.ts';
import { mayHoldData } from './data-objects.ts';
import { contentOf, hasItsObjectMap } from './half-made.ts';
import { findVolume } from './look.ts';
import type { Site } from './site.ts';
import { findSnapshot } from './snapshot-record.ts';
import type { VolumeSpec } from './specs.ts';

export type Verdict = 'as-wanted' | 'cut-short' | 'foreign';

/**
 * What an image without a record is: whole and as wanted, so that an earlier call of ours lacks only the record;
 * cut short while it was made; or somebody's.
 */
export async function judgeUnmarked(site: Site, want: VolumeSpec, header: ImageHeader): Promise<Verdict> {
  const io = await site.openToMake(want);
  if (!sameFeatures(want, header) || !sameObjects(want, header)) return 'foreign';
  if (await hasLostItsParent(site, header)) return (await mayHoldData(site, io, header)) ? 'foreign' : 'cut-short';
  // Before all that may have it removed: one that holds data is somebody's, whatever it lacks.
  const content = await contentOf(io, header);
  if (content === 'open-here') {
    throw new Failure('busy', 'IMAGE_HALF_MADE', `${formatImage(want)} is just being made, or its maker was killed`);
  }
  if (content !== 'nothing') return 'foreign';
  if (!(await hasItsObjectMap(io, header))) return 'cut-short';
  if (!(await isWantedParent(site, want, header))) return 'foreign';
  if (want.source.from === 'nothing') return header.size === chooseSize(want, 0n) ? 'as-wanted' : 'foreign';
  return await judgeClone(site, header);
}

/**
 * A clone that was cut off before its parent's snapshot knew of it keeps nobody from removing that snapshot. Then it
 * cannot be opened any more, by anyone.
 */
async function hasLostItsParent(site: Site, { parent, snapshotIds }: ImageHeader): Promise<boolean> {
  if (parent === undefined || snapshotIds.length > 0) return false;
  const io = await site.cluster.open(await site.poolName(parent.poolId), parent.namespace);
  if ((await findHeader(io, parent.imageId, [])) === undefined) return true;
  return (await readSnapshots(io, parent.imageId, [parent.snapshotId])).length === 0;
}

/**
 * Before a clone has its parent it holds nothing; before the parent's snapshot lists it as a child, the snapshot could
 * be removed under it.
 */
async function judgeClone(site: Site, header: ImageHeader): Promise<Verdict> {
  const { parent } = header;
  if (parent === undefined) return 'cut-short';
  const parentIo = await site.cluster.open(await site.poolName(parent.poolId), parent.namespace);
  const children = await listChildren(parentIo, parent.imageId, parent.snapshotId);
  return children.some((child) => child.imageId === header.id) ? 'as-wanted' : 'cut-short';
}

/** Whether the parent is the image that the volume is to be made of. */
async function isWantedParent(site: Site, want: VolumeSpec, header: ImageHeader): Promise<boolean> {
  if (header.parent === undefined || want.source.from === 'nothing') return header.parent === undefined;
  if (want.source.from === 'volume') return (await findVolume(site, want.source.volume))?.header.id === header.parent.imageId;
  return (await findSnapshot(site, want.source.snapshot))?.info.id === header.parent.snapshotId;
}
