// Original file: proto/csi-addons-replication.proto

import type { ReplicationSource as _replication_ReplicationSource, ReplicationSource__Output as _replication_ReplicationSource__Output } from '../replication/ReplicationSource.ts';

export interface GetVolumeReplicationInfoRequest {
  'volumeId'?: (string);
  'secrets'?: ({[key: string]: string});
  'replicationId'?: (string);
  'replicationSource'?: (_replication_ReplicationSource | null);
}

export interface GetVolumeReplicationInfoRequest__Output {
  'volumeId': (string);
  'secrets': ({[key: string]: string});
  'replicationId': (string);
  'replicationSource': (_replication_ReplicationSource__Output | null);
}
