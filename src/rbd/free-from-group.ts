import { findGroupName, findGroupOf, type GroupPlace } from '#ceph';
import { Failure } from '#lib/failure';
import { formatPlace } from '#lib/handle';
import { HAS_OPERATIONS } from './features.ts';
import { findGroup, groupClaim, nameOfVolume, releaseImages } from './group-snapshot.ts';
import type { SeenVolume } from './look.ts';
import { findClaim } from './name-index.ts';
import type { Site } from './site.ts';

/**
 * Takes a volume out of a group that a call which was cut off left it in (G3). Throws `busy` while that call may
 * live, and `precondition` for a group that somebody else put the volume in.
 */
export async function freeFromStale(site: Site, { poolId, groupId }: GroupPlace, volume: SeenVolume): Promise<void> {
  const io = await site.cluster.open(await site.poolName(poolId), volume.io.namespace);
  const name = await findGroupName(io, groupId);
  const claim = name === undefined ? undefined : await findClaim(io, groupClaim(name));
  if (name === undefined || claim?.instance !== site.identity.instance) {
    const message = `${nameOfVolume(volume)} is in an RBD group of ${formatPlace(io)} that is not Loligo's: ${name ?? groupId}`;
    throw new Failure('precondition', 'VOLUME_IN_GROUP', message);
  }
  if (site.mayBeUnderWay(claim.since)) {
    throw new Failure('busy', 'GROUPS_OVERLAP', `${nameOfVolume(volume)} is in the group snapshot ${name} that is being taken`);
  }
  const group = await findGroup(io, name);
  if (group !== undefined) await releaseImages(site, group, name);
}

/** The same for whatever group it is in, before it is deleted: the trash would take it, and never let go of it again. */
export async function freeFromAnyGroup(site: Site, volume: SeenVolume): Promise<void> {
  if ((volume.header.features & HAS_OPERATIONS) === 0n) return;
  const current = await findGroupOf(volume.io, volume.header.id);
  if (current !== undefined) await freeFromStale(site, current, volume);
}
