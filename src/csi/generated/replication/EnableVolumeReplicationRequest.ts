// Original file: proto/csi-addons-replication.proto

import type { ReplicationSource as _replication_ReplicationSource, ReplicationSource__Output as _replication_ReplicationSource__Output } from '../replication/ReplicationSource.ts';

export interface EnableVolumeReplicationRequest {
  'volumeId'?: (string);
  'parameters'?: ({[key: string]: string});
  'secrets'?: ({[key: string]: string});
  'replicationId'?: (string);
  'replicationSource'?: (_replication_ReplicationSource | null);
}

export interface EnableVolumeReplicationRequest__Output {
  'volumeId': (string);
  'parameters': ({[key: string]: string});
  'secrets': ({[key: string]: string});
  'replicationId': (string);
  'replicationSource': (_replication_ReplicationSource__Output | null);
}
