// Original file: proto/csi-addons-identity.proto


export interface GetIdentityRequest {
}

export interface GetIdentityRequest__Output {
}
