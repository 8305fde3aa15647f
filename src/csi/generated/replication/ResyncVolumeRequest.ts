// Original file: proto/csi-addons-replication.proto

import type { ReplicationSource as _replication_ReplicationSource, ReplicationSource__Output as _replication_ReplicationSource__Output } from '../replication/ReplicationSource.ts';

export interface ResyncVolumeRequest {
  'volumeId'?: (string);
  'force'?: (boolean);
  'parameters'?: ({[key: string]: string});
  'secrets'?: ({[key: string]: string});
  'replicationId'?: (string);
  'replicationSource'?: (_replication_ReplicationSource | null);
}

export interface ResyncVolumeRequest__Output {
  'volumeId': (string);
  'force': (boolean);
  'parameters': ({[key: string]: string});
  'secrets': ({[key: string]: string});
  'replicationId': (string);
  'replicationSource': (_replication_ReplicationSource__Output | null);
}
