// Original file: proto/csi-addons-replication.proto

import type { ReplicationDestination as _replication_ReplicationDestination, ReplicationDestination__Output as _replication_ReplicationDestination__Output } from '../replication/ReplicationDestination.ts';

export interface GetReplicationDestinationInfoResponse {
  'replicationDestination'?: (_replication_ReplicationDestination | null);
}

export interface GetReplicationDestinationInfoResponse__Output {
  'replicationDestination': (_replication_ReplicationDestination__Output | null);
}
