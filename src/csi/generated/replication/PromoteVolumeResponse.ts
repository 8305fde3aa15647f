// Original file: proto/csi-addons-replication.proto


export interface PromoteVolumeResponse {
}

export interface PromoteVolumeResponse__Output {
}
