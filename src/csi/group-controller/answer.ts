import type { GroupSnapshot } from '#rbd';
import type { Controller } from '../clusters.ts';
import { answerSnapshot, timestamp } from '../controller/answers.ts';
import type { VolumeGroupSnapshot } from '../generated/messages.ts';
import { groupId } from '../request/ids.ts';

export function answerGroup(controller: Controller, cluster: string, made: GroupSnapshot): VolumeGroupSnapshot {
  return {
    groupSnapshotId: groupId({ cluster, ref: made }),
    snapshots: made.snapshots.map((snapshot) => answerSnapshot(controller, cluster, { ...snapshot, group: made })),
    creationTime: timestamp(made.createdAt),
    readyToUse: true,
  };
}
