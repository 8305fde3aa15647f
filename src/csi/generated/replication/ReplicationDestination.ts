// Original file: proto/csi-addons-replication.proto


export interface _replication_ReplicationDestination_VolumeDestination {
  'volumeId'?: (string);
}

export interface _replication_ReplicationDestination_VolumeDestination__Output {
  'volumeId': (string);
}

export interface _replication_ReplicationDestination_VolumeGroupDestination {
  'volumeGroupId'?: (string);
  'volumeIds'?: ({[key: string]: string});
}

export interface _replication_ReplicationDestination_VolumeGroupDestination__Output {
  'volumeGroupId': (string);
  'volumeIds': ({[key: string]: string});
}

export interface ReplicationDestination {
  'volume'?: (_replication_ReplicationDestination_VolumeDestination | null);
  'volumegroup'?: (_replication_ReplicationDestination_VolumeGroupDestination | null);
  'type'?: "volume"|"volumegroup";
}

export interface ReplicationDestination__Output {
  'volume'?: (_replication_ReplicationDestination_VolumeDestination__Output | null);
  'volumegroup'?: (_replication_ReplicationDestination_VolumeGroupDestination__Output | null);
  'type'?: "volume"|"volumegroup";
}
