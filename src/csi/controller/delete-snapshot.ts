import type { Credentials } from '#lib/cluster-config';
import type { SnapshotRef } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { DeleteSnapshotRequest, DeleteSnapshotResponse } from '../generated/messages.ts';
import { readCredentials } from '../request/credentials.ts';
import { findSnapshot, type Located } from '../request/ids.ts';
import type { Rpc } from '../rpc.ts';

export interface SnapshotUnwanted {
  /** `undefined` for an id that is none of ours: there is nothing to delete. */
  readonly snapshot: Located<SnapshotRef> | undefined;
  readonly credentials: Credentials | undefined;
}

/** Deletes a snapshot; done also when there is none. */
export const deleteSnapshot: Rpc<Controller, DeleteSnapshotRequest, SnapshotUnwanted, DeleteSnapshotResponse> = {
  read: ({ snapshotId, secrets }) => ({
    snapshot: findSnapshot('snapshot_id', snapshotId),
    credentials: readCredentials(secrets),
  }),

  async run({ clusters }, { snapshot, credentials }, scope) {
    if (snapshot !== undefined) await clusters.engineAt(snapshot.cluster, credentials).deleteSnapshot(snapshot.ref, scope);
    return {};
  },
};
