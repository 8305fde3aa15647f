// Made by scripts/generate-proto-types.ts from proto

export type { DemoteVolumeRequest__Output as DemoteVolumeRequest } from './replication/DemoteVolumeRequest.ts';
export type { DemoteVolumeResponse } from './replication/DemoteVolumeResponse.ts';
export type { DisableVolumeReplicationRequest__Output as DisableVolumeReplicationRequest } from './replication/DisableVolumeReplicationRequest.ts';
export type { DisableVolumeReplicationResponse } from './replication/DisableVolumeReplicationResponse.ts';
export type { EnableVolumeReplicationRequest__Output as EnableVolumeReplicationRequest } from './replication/EnableVolumeReplicationRequest.ts';
export type { EnableVolumeReplicationResponse } from './replication/EnableVolumeReplicationResponse.ts';
export type { GetReplicationDestinationInfoRequest__Output as GetReplicationDestinationInfoRequest } from './replication/GetReplicationDestinationInfoRequest.ts';
export type { GetReplicationDestinationInfoResponse } from './replication/GetReplicationDestinationInfoResponse.ts';
export type { GetVolumeReplicationInfoRequest__Output as GetVolumeReplicationInfoRequest } from './replication/GetVolumeReplicationInfoRequest.ts';
export type { GetVolumeReplicationInfoResponse } from './replication/GetVolumeReplicationInfoResponse.ts';
export type { PromoteVolumeRequest__Output as PromoteVolumeRequest } from './replication/PromoteVolumeRequest.ts';
export type { PromoteVolumeResponse } from './replication/PromoteVolumeResponse.ts';
export type { ReplicationDestination } from './replication/ReplicationDestination.ts';
export type { ReplicationSource__Output as ReplicationSource } from './replication/ReplicationSource.ts';
export type { ResyncVolumeRequest__Output as ResyncVolumeRequest } from './replication/ResyncVolumeRequest.ts';
export type { ResyncVolumeResponse } from './replication/ResyncVolumeResponse.ts';
