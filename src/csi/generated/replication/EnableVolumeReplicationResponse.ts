// Original file: proto/csi-addons-replication.proto


export interface EnableVolumeReplicationResponse {
}

export interface EnableVolumeReplicationResponse__Output {
}
