import type { GroupRef } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { GetVolumeGroupSnapshotRequest, GetVolumeGroupSnapshotResponse } from '../generated/messages.ts';
import { getGroup, type Located } from '../request/ids.ts';
import type { Rpc } from '../rpc.ts';
import { answerGroup } from './answer.ts';
import { type GroupAsked, memberIds, membersDiffer, readGroup } from './read-group.ts';

interface GroupKnown extends GroupAsked {
  readonly group: Located<GroupRef>;
}

/** One group snapshot as it is now. */
export const getGroupSnapshot: Rpc<Controller, GetVolumeGroupSnapshotRequest, GroupKnown, GetVolumeGroupSnapshotResponse> = {
  read: (request) => ({ ...readGroup(request), group: getGroup('group_snapshot_id', request.groupSnapshotId) }),

  async run(controller, { group, credentials, snapshotIds }, scope) {
    const { cluster, ref } = group;
    const found = await controller.clusters.engineAt(cluster, credentials).getGroupSnapshot(ref, scope);
    const members = new Set(memberIds(cluster, found));
    const same = members.size === snapshotIds.length && snapshotIds.every((id) => members.has(id));
    if (snapshotIds.length > 0 && !same) throw membersDiffer('are not those of the group');
    return { groupSnapshot: answerGroup(controller, cluster, found) };
  },
};
