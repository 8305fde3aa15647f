import type { Controller } from '../clusters.ts';
import type { GetMetadataDeltaRequest, GetMetadataDeltaResponse } from '../generated/messages.ts';
import { required } from '../refuse.ts';
import { readCredentials } from '../request/credentials.ts';
import { getSnapshot } from '../request/ids.ts';
import type { StreamRpc } from '../rpc.ts';
import { type BlocksWanted, checkSameVolume, pages, readBounds } from './pages.ts';

/** Which parts of a snapshot differ from an older one of the same volume. */
export const getMetadataDelta: StreamRpc<Controller, GetMetadataDeltaRequest, BlocksWanted, GetMetadataDeltaResponse> = {
  read(request) {
    required('base_snapshot_id', request.baseSnapshotId);
    required('target_snapshot_id', request.targetSnapshotId);
    const bounds = readBounds(request);
    const credentials = readCredentials(request.secrets);
    const base = getSnapshot('base_snapshot_id', request.baseSnapshotId);
    const target = getSnapshot('target_snapshot_id', request.targetSnapshotId);
    checkSameVolume(base, target);
    return { cluster: target.cluster, credentials, spec: { snapshot: target.ref, base: base.ref, ...bounds } };
  },

  run: pages,
};
