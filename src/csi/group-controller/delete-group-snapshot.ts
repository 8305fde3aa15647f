import type { Scope } from '#lib/scope';
import type { GroupRef, GroupSnapshot, RemoteEngine } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { DeleteVolumeGroupSnapshotRequest, DeleteVolumeGroupSnapshotResponse } from '../generated/messages.ts';
import { ifFound } from '../if-found.ts';
import { findSnapshot, type Located } from '../request/ids.ts';
import type { Rpc } from '../rpc.ts';
import { type GroupAsked, memberIds, membersDiffer, readGroup } from './read-group.ts';

/** Deletes a group snapshot and its members; done also when there is none. */
export const deleteGroupSnapshot: Rpc<Controller, DeleteVolumeGroupSnapshotRequest, GroupAsked, DeleteVolumeGroupSnapshotResponse> =
  {
    read: readGroup,

    async run({ clusters }, { group, credentials, snapshotIds }, scope) {
      if (group === undefined) return {};
      const engine = clusters.engineAt(group.cluster, credentials);
      const found = snapshotIds.length === 0 ? undefined : await ifFound(engine.getGroupSnapshot(group.ref, scope));
      if (found !== undefined) await checkMembers(engine, { group, found, snapshotIds }, scope);
      await engine.deleteGroupSnapshot(group.ref, scope);
      return {};
    },
  };

interface Comparison {
  readonly group: Located<GroupRef>;
  readonly found: GroupSnapshot;
  readonly snapshotIds: readonly string[];
}

/**
 * A member that the caller names and the group lacks may be gone because an earlier call was cut off: only one that is there
 * differs.
 */
async function checkMembers(engine: RemoteEngine, { group, found, snapshotIds }: Comparison, scope: Scope): Promise<void> {
  const members = memberIds(group.cluster, found);
  const unnamed = members.find((id) => !snapshotIds.includes(id));
  if (unnamed !== undefined) throw membersDiffer(`do not name ${unnamed}`);
  for (const id of snapshotIds.filter((named) => !members.includes(named))) {
    const snapshot = findSnapshot('snapshot_ids', id);
    if (snapshot === undefined || snapshot.cluster !== group.cluster) {
      throw membersDiffer('name a snapshot of another driver or cluster');
    }
    const found = await ifFound(engine.getSnapshot(snapshot.ref, scope));
    if (found !== undefined) throw membersDiffer(`name ${id}, which is not in the group`);
  }
}
