import { findDirectoryName, findHeader, type GroupMember, readSnapshots } from '#ceph';
import { compareText } from '#lib/compare-text';
import { Failure } from '#lib/failure';
import { formatGroup, type SeenGroup } from './group-snapshot.ts';
import type { SeenVolume } from './look.ts';
import { RECORD, readRecord } from './record.ts';
import type { Site } from './site.ts';
import { readSnapshotRecord, type SeenSnapshot, snapshotKey } from './snapshot-record.ts';
import type { GroupRef, GroupSnapshot } from './specs.ts';
import { toSnapshot } from './to-snapshot.ts';
import { DELETION } from './trashed.ts';

/** The parts of a complete group snapshot, in the order of its images' names; those that are gone are left out. */
export async function readMembers(site: Site, ref: GroupRef, group: SeenGroup): Promise<SeenSnapshot[]> {
  const members = group.snapshot?.members ?? [];
  const seen = await Promise.all(members.map((member) => seeMember(site, { ref, group }, member)));
  return seen.filter((member) => member !== undefined);
}

async function seeMember(
  site: Site,
  { ref, group }: { readonly ref: GroupRef; readonly group: SeenGroup },
  member: GroupMember,
): Promise<SeenSnapshot | undefined> {
  const io = await site.cluster.open(await site.poolName(member.poolId), group.io.namespace);
  const header = await findHeader(io, member.imageId, [RECORD, snapshotKey(ref.group), DELETION]);
  if (header === undefined) return undefined;
  const [info] = await readSnapshots(io, member.imageId, [member.snapshotId]);
  // None for an image in the trash, which is no volume any more.
  const image = await findDirectoryName(io, member.imageId);
  const record = image === undefined ? undefined : readRecord(header, image);
  if (info === undefined || image === undefined || record === undefined) return undefined;
  const volume: SeenVolume = { io, image, header, record };
  return { volume, info, record: readSnapshotRecord(header.metadata, ref.group) };
}

/** Throws `precondition` for a group snapshot that is not this instance's (G5). */
export function checkMembersOurs(site: Site, ref: GroupRef, members: readonly SeenSnapshot[]): void {
  const foreign = members.find(({ record }) => record?.instance !== site.identity.instance);
  if (foreign === undefined) return;
  throw new Failure('precondition', 'GROUP_NOT_OURS', `the group ${formatGroup(ref)} was not made by this Loligo, and stays`);
}

export async function toGroupSnapshot(site: Site, ref: GroupRef, members: readonly SeenSnapshot[]): Promise<GroupSnapshot> {
  const snapshots = await Promise.all(members.map((member) => toSnapshot(site, member, ref.group)));
  return {
    pool: ref.pool,
    namespace: ref.namespace,
    group: ref.group,
    name: snapshots[0]?.name ?? ref.group,
    createdAt: Math.max(0, ...snapshots.map((snapshot) => snapshot.createdAt)),
    snapshots: snapshots.toSorted((a, b) => compareText(a.image, b.image)),
  };
}
