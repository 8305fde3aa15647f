// Original file: proto/csi-addons-replication.proto

import type { ReplicationSource as _replication_ReplicationSource, ReplicationSource__Output as _replication_ReplicationSource__Output } from '../replication/ReplicationSource.ts';

export interface GetReplicationDestinationInfoRequest {
  'secrets'?: ({[key: string]: string});
  'replicationSource'?: (_replication_ReplicationSource | null);
}

export interface GetReplicationDestinationInfoRequest__Output {
  'secrets': ({[key: string]: string});
  'replicationSource': (_replication_ReplicationSource__Output | null);
}
