import type { Controller } from '../clusters.ts';
import { SNAPSHOT_METADATA } from '../definitions.ts';
import type { SnapshotMetadataHandlers } from '../generated/csi/v1/SnapshotMetadata.ts';
import type { Host } from '../rpc.ts';
import type { Service } from '../server.ts';
import { serverStream } from '../server-stream.ts';
import { getMetadataAllocated } from './get-metadata-allocated.ts';
import { getMetadataDelta } from './get-metadata-delta.ts';

/** The SnapshotMetadata service, complete. It holds no locks: it only looks, and a snapshot does not change. */
export function snapshotMetadataService(host: Host, controller: Controller): Service {
  const handlers: SnapshotMetadataHandlers = {
    GetMetadataAllocated: serverStream(host, controller, { name: 'GetMetadataAllocated', rpc: getMetadataAllocated }),
    GetMetadataDelta: serverStream(host, controller, { name: 'GetMetadataDelta', rpc: getMetadataDelta }),
  };
  return { definition: SNAPSHOT_METADATA, handlers };
}
