// Original file: proto/csi-addons-identity.proto


export interface ProbeRequest {
}

export interface ProbeRequest__Output {
}
