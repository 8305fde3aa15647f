import { Failure } from '#lib/failure';
import { readMembers, toGroupSnapshot } from './group-members.ts';
import { findGroup, formatGroup } from './group-snapshot.ts';
import type { Site } from './site.ts';
import type { GroupRef, GroupSnapshot } from './specs.ts';

/** A group snapshot that is taken; one that is only begun is not found. */
export async function getGroupSnapshot(site: Site, ref: GroupRef): Promise<GroupSnapshot> {
  const group = await findGroup(await site.open(ref), ref.group);
  const members = group?.snapshot?.complete ? await readMembers(site, ref, group) : [];
  if (!members.some((member) => member.record !== undefined)) {
    const message = `cluster ${site.identity.cluster} has no group snapshot ${formatGroup(ref)}`;
    throw new Failure('not-found', 'GROUP_SNAPSHOT_NOT_FOUND', message);
  }
  return await toGroupSnapshot(site, ref, members);
}
