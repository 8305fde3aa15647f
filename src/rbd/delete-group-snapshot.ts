/** Removes a group snapshot with all its parts, or finishes that; see group-snapshot.ts for the order. */
import { orGone, removeGroup } from '#ceph';
import { Failure } from '#lib/failure';
import { DELETED } from '#lib/handle';
import { dropClaims } from './claim-group.ts';
import { retireDeleted } from './delete-volume.ts';
import { checkMembersOurs, readMembers } from './group-members.ts';
import {
  dropTaken,
  findGroup,
  formatGroup,
  groupClaim,
  nameOfVolume,
  releaseImages,
  type SeenGroup,
  volumesOfClaim,
} from './group-snapshot.ts';
import type { SeenVolume } from './look.ts';
import { type Claim, findClaim } from './name-index.ts';
import type { Site } from './site.ts';
import { dropSnapshotRecord, readSnapshotRecord } from './snapshot-record.ts';
import type { GroupRef } from './specs.ts';

export async function deleteGroupSnapshot(site: Site, ref: GroupRef): Promise<void> {
  await dropGroupSnapshot(site, ref);
}

/** Removes what there is of it, taken or only begun. */
export async function dropGroupSnapshot(site: Site, ref: GroupRef): Promise<void> {
  const io = await site.open(ref);
  const claim = await findClaim(io, groupClaim(ref.group));
  const group = await findGroup(io, ref.group);
  const volumes = await membersToClean(site, ref, { claim, group });

  if (group !== undefined) {
    await dropTaken(group, ref.group, volumes);
    await releaseImages(site, group, ref.group);
  }
  for (const volume of volumes) await dropRecord(ref, volume);
  if (group !== undefined) await dropGroup(group, ref.group);
  for (const volume of volumes)
    if (volume.image.endsWith(DELETED)) await retireDeleted(site, { ...volume.io, image: volume.record.name });
  await dropClaims(site, ref, claim?.sources ?? volumes.map(nameOfVolume).toSorted());
}

/** The volumes with a part of it, by the group itself and by the index. Throws when it is not ours. */
async function membersToClean(
  site: Site,
  ref: GroupRef,
  { claim, group }: { readonly claim: Claim | undefined; readonly group: SeenGroup | undefined },
): Promise<SeenVolume[]> {
  if (claim !== undefined && claim.instance !== site.identity.instance) throw notOurs(ref, claim.instance);
  const members = group === undefined ? [] : await readMembers(site, ref, group);
  if (claim === undefined) checkMembersOurs(site, ref, members);
  if (claim === undefined && group !== undefined && members.length === 0) throw notOurs(ref, 'nobody we know');
  const volumes = [...members.map((member) => member.volume), ...(await volumesOfClaim(site, ref, claim))];
  return [...new Map(volumes.map((volume) => [volume.header.id, volume])).values()];
}

function notOurs(ref: GroupRef, owner: string): Failure {
  return new Failure('precondition', 'GROUP_NOT_OURS', `the group ${formatGroup(ref)} was made by ${owner}, and stays`);
}

async function dropRecord(ref: GroupRef, volume: SeenVolume): Promise<void> {
  const record = readSnapshotRecord(volume.header.metadata, ref.group);
  if (record?.groupSnapshot === formatGroup(ref)) await dropSnapshotRecord(volume, ref.group);
}

async function dropGroup(group: SeenGroup, name: string): Promise<void> {
  await orGone(removeGroup(group.io, name));
}
