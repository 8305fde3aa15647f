// Original file: proto/csi-addons-replication.proto


export interface ResyncVolumeResponse {
  'ready'?: (boolean);
}

export interface ResyncVolumeResponse__Output {
  'ready': (boolean);
}
