import type { Controller } from '../clusters.ts';
import type { GetMetadataAllocatedRequest, GetMetadataAllocatedResponse } from '../generated/messages.ts';
import { required } from '../refuse.ts';
import { readCredentials } from '../request/credentials.ts';
import { getSnapshot } from '../request/ids.ts';
import type { StreamRpc } from '../rpc.ts';
import { type BlocksWanted, pages, readBounds } from './pages.ts';

/** Which parts of a snapshot hold data. */
export const getMetadataAllocated: StreamRpc<Controller, GetMetadataAllocatedRequest, BlocksWanted, GetMetadataAllocatedResponse> =
  {
    read(request) {
      required('snapshot_id', request.snapshotId);
      const bounds = readBounds(request);
      const credentials = readCredentials(request.secrets);
      const { cluster, ref } = getSnapshot('snapshot_id', request.snapshotId);
      return { cluster, credentials, spec: { snapshot: ref, base: undefined, ...bounds } };
    },

    run: pages,
  };
