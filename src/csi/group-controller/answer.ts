import type { GroupSnapshot } from '#rbd';
import type { Controller } from '../clusters.ts';
import { answerSnapshot, timestamp } from '../controller/answers.ts';
import type { VolumeGroupSnapshot } from '../generated/messages.ts';
import { groupId } from '../request/ids.ts';

export function answerGroup(controller: Controller, cluster: string, made: GroupSnapshot): VolumeGroupSnapshot {
  const { pool, namespace, group } = made;
  return {
    groupSnapshotId: groupId({ cluster, ref: { pool, namespace, group } }),
    snapshots: made.snapshots.map((snapshot) => answerSnapshot(controller, cluster, { ...snapshot, group })),
    creationTime: timestamp(made.createdAt),
    readyToUse: true,
  };
}
