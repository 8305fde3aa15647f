import type { Credentials } from '#lib/cluster-config';
import type { SnapshotRef } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { GetSnapshotRequest, GetSnapshotResponse } from '../generated/messages.ts';
import { readCredentials } from '../request/credentials.ts';
import * as ids from '../request/ids.ts';
import type { Rpc } from '../rpc.ts';
import { answerSnapshot } from './answers.ts';

export interface SnapshotAsked extends ids.Located<SnapshotRef> {
  readonly credentials: Credentials | undefined;
}

/** One snapshot as it is now. */
export const getSnapshot: Rpc<Controller, GetSnapshotRequest, SnapshotAsked, GetSnapshotResponse> = {
  read({ snapshotId, secrets }) {
    const credentials = readCredentials(secrets);
    return { ...ids.getSnapshot('snapshot_id', snapshotId), credentials };
  },

  async run(controller, { cluster, ref, credentials }, scope) {
    const snapshot = await controller.clusters.engineAt(cluster, credentials).getSnapshot(ref, scope);
    return { snapshot: answerSnapshot(controller, cluster, snapshot) };
  },
};
