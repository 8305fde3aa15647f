// Original file: proto/csi-addons-replication.proto


export interface DisableVolumeReplicationResponse {
}

export interface DisableVolumeReplicationResponse__Output {
}
