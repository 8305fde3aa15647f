// Original file: proto/csi-addons-identity.proto


export interface _identity_Capability_NetworkFence {
  'type'?: (_identity_Capability_NetworkFence_Type);
}

export interface _identity_Capability_NetworkFence__Output {
  'type': (_identity_Capability_NetworkFence_Type__Output);
}

export interface _identity_Capability_ReclaimSpace {
  'type'?: (_identity_Capability_ReclaimSpace_Type);
}

export interface _identity_Capability_ReclaimSpace__Output {
  'type': (_identity_Capability_ReclaimSpace_Type__Output);
}

export interface _identity_Capability_Service {
  'type'?: (_identity_Capability_Service_Type);
}

export interface _identity_Capability_Service__Output {
  'type': (_identity_Capability_Service_Type__Output);
}

// Original file: proto/csi-addons-identity.proto

export const _identity_Capability_Service_Type = {
  UNKNOWN: 'UNKNOWN',
  CONTROLLER_SERVICE: 'CONTROLLER_SERVICE',
  NODE_SERVICE: 'NODE_SERVICE',
} as const;

export type _identity_Capability_Service_Type =
  | 'UNKNOWN'
  | 0
  | 'CONTROLLER_SERVICE'
  | 1
  | 'NODE_SERVICE'
  | 2

export type _identity_Capability_Service_Type__Output = typeof _identity_Capability_Service_Type[keyof typeof _identity_Capability_Service_Type]

// Original file: proto/csi-addons-identity.proto

export const _identity_Capability_ReclaimSpace_Type = {
  UNKNOWN: 'UNKNOWN',
  OFFLINE: 'OFFLINE',
  ONLINE: 'ONLINE',
} as const;

export type _identity_Capability_ReclaimSpace_Type =
  | 'UNKNOWN'
  | 0
  | 'OFFLINE'
  | 1
  | 'ONLINE'
  | 2

export type _identity_Capability_ReclaimSpace_Type__Output = typeof _identity_Capability_ReclaimSpace_Type[keyof typeof _identity_Capability_ReclaimSpace_Type]

// Original file: proto/csi-addons-identity.proto

export const _identity_Capability_NetworkFence_Type = {
  UNKNOWN: 'UNKNOWN',
  NETWORK_FENCE: 'NETWORK_FENCE',
} as const;

export type _identity_Capability_NetworkFence_Type =
  | 'UNKNOWN'
  | 0
  | 'NETWORK_FENCE'
  | 1

export type _identity_Capability_NetworkFence_Type__Output = typeof _identity_Capability_NetworkFence_Type[keyof typeof _identity_Capability_NetworkFence_Type]

// Original file: proto/csi-addons-identity.proto

export const _identity_Capability_VolumeReplication_Type = {
  UNKNOWN: 'UNKNOWN',
  VOLUME_REPLICATION: 'VOLUME_REPLICATION',
  GET_REPLICATION_DESTINATION_INFO: 'GET_REPLICATION_DESTINATION_INFO',
} as const;

export type _identity_Capability_VolumeReplication_Type =
  | 'UNKNOWN'
  | 0
  | 'VOLUME_REPLICATION'
  | 1
  | 'GET_REPLICATION_DESTINATION_INFO'
  | 2

export type _identity_Capability_VolumeReplication_Type__Output = typeof _identity_Capability_VolumeReplication_Type[keyof typeof _identity_Capability_VolumeReplication_Type]

export interface _identity_Capability_VolumeReplication {
  'type'?: (_identity_Capability_VolumeReplication_Type);
}

export interface _identity_Capability_VolumeReplication__Output {
  'type': (_identity_Capability_VolumeReplication_Type__Output);
}

export interface Capability {
  'service'?: (_identity_Capability_Service | null);
  'reclaimSpace'?: (_identity_Capability_ReclaimSpace | null);
  'networkFence'?: (_identity_Capability_NetworkFence | null);
  'volumeReplication'?: (_identity_Capability_VolumeReplication | null);
  'type'?: "service"|"reclaimSpace"|"networkFence"|"volumeReplication";
}

export interface Capability__Output {
  'service'?: (_identity_Capability_Service__Output | null);
  'reclaimSpace'?: (_identity_Capability_ReclaimSpace__Output | null);
  'networkFence'?: (_identity_Capability_NetworkFence__Output | null);
  'volumeReplication'?: (_identity_Capability_VolumeReplication__Output | null);
  'type'?: "service"|"reclaimSpace"|"networkFence"|"volumeReplication";
}
