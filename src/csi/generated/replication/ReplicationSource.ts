// Original file: proto/csi-addons-replication.proto


export interface _replication_ReplicationSource_VolumeGroupSource {
  'volumeGroupId'?: (string);
}

export interface _replication_ReplicationSource_VolumeGroupSource__Output {
  'volumeGroupId': (string);
}

export interface _replication_ReplicationSource_VolumeSource {
  'volumeId'?: (string);
}

export interface _replication_ReplicationSource_VolumeSource__Output {
  'volumeId': (string);
}

export interface ReplicationSource {
  'volume'?: (_replication_ReplicationSource_VolumeSource | null);
  'volumegroup'?: (_replication_ReplicationSource_VolumeGroupSource | null);
  'type'?: "volume"|"volumegroup";
}

export interface ReplicationSource__Output {
  'volume'?: (_replication_ReplicationSource_VolumeSource__Output | null);
  'volumegroup'?: (_replication_ReplicationSource_VolumeGroupSource__Output | null);
  'type'?: "volume"|"volumegroup";
}
