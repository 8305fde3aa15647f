import type { Credentials } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import type { GroupRef, GroupSnapshot } from '#rbd';
import { readCredentials } from '../request/credentials.ts';
import { findGroup, type Located, snapshotId } from '../request/ids.ts';

export interface GroupAsked {
  /** `undefined` for an id that is none of ours. */
  readonly group: Located<GroupRef> | undefined;
  readonly credentials: Credentials | undefined;
  /** The members as the caller knows them; empty when it does not say. */
  readonly snapshotIds: readonly string[];
}

export function readGroup(request: {
  groupSnapshotId: string;
  snapshotIds: readonly string[];
  secrets: Record<string, string>;
}): GroupAsked {
  return {
    group: findGroup('group_snapshot_id', request.groupSnapshotId),
    credentials: readCredentials(request.secrets),
    snapshotIds: request.snapshotIds,
  };
}

export function memberIds(cluster: string, group: GroupSnapshot): readonly string[] {
  return group.snapshots.map((snapshot) => snapshotId({ cluster, ref: snapshot }));
}

export function membersDiffer(what: string): Failure {
  return new Failure('invalid', 'MEMBERS_DIFFER', `snapshot_ids ${what}`);
}
