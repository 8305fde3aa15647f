// Original file: proto/csi-addons-replication.proto


export interface DemoteVolumeResponse {
}

export interface DemoteVolumeResponse__Output {
}
