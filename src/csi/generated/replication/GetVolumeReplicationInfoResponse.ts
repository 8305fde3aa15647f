// Original file: proto/csi-addons-replication.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../google/protobuf/Timestamp.ts';
import type { Duration as _google_protobuf_Duration, Duration__Output as _google_protobuf_Duration__Output } from '../google/protobuf/Duration.ts';
import type { Long } from '@grpc/proto-loader';

// Original file: proto/csi-addons-replication.proto

export const _replication_GetVolumeReplicationInfoResponse_Status = {
  UNKNOWN: 'UNKNOWN',
  HEALTHY: 'HEALTHY',
  DEGRADED: 'DEGRADED',
  ERROR: 'ERROR',
} as const;

export type _replication_GetVolumeReplicationInfoResponse_Status =
  | 'UNKNOWN'
  | 0
  | 'HEALTHY'
  | 1
  | 'DEGRADED'
  | 2
  | 'ERROR'
  | 3

export type _replication_GetVolumeReplicationInfoResponse_Status__Output = typeof _replication_GetVolumeReplicationInfoResponse_Status[keyof typeof _replication_GetVolumeReplicationInfoResponse_Status]

export interface GetVolumeReplicationInfoResponse {
  'lastSyncTime'?: (_google_protobuf_Timestamp | null);
  'lastSyncDuration'?: (_google_protobuf_Duration | null);
  'lastSyncBytes'?: (number | string | Long);
  'status'?: (_replication_GetVolumeReplicationInfoResponse_Status);
  'statusMessage'?: (string);
}

export interface GetVolumeReplicationInfoResponse__Output {
  'lastSyncTime': (_google_protobuf_Timestamp__Output | null);
  'lastSyncDuration': (_google_protobuf_Duration__Output | null);
  'lastSyncBytes': (string);
  'status': (_replication_GetVolumeReplicationInfoResponse_Status__Output);
  'statusMessage': (string);
}
