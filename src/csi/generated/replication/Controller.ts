// Original file: proto/csi-addons-replication.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { DemoteVolumeRequest as _replication_DemoteVolumeRequest, DemoteVolumeRequest__Output as _replication_DemoteVolumeRequest__Output } from '../replication/DemoteVolumeRequest.ts';
import type { DemoteVolumeResponse as _replication_DemoteVolumeResponse, DemoteVolumeResponse__Output as _replication_DemoteVolumeResponse__Output } from '../replication/DemoteVolumeResponse.ts';
import type { DisableVolumeReplicationRequest as _replication_DisableVolumeReplicationRequest, DisableVolumeReplicationRequest__Output as _replication_DisableVolumeReplicationRequest__Output } from '../replication/DisableVolumeReplicationRequest.ts';
import type { DisableVolumeReplicationResponse as _replication_DisableVolumeReplicationResponse, DisableVolumeReplicationResponse__Output as _replication_DisableVolumeReplicationResponse__Output } from '../replication/DisableVolumeReplicationResponse.ts';
import type { EnableVolumeReplicationRequest as _replication_EnableVolumeReplicationRequest, EnableVolumeReplicationRequest__Output as _replication_EnableVolumeReplicationRequest__Output } from '../replication/EnableVolumeReplicationRequest.ts';
import type { EnableVolumeReplicationResponse as _replication_EnableVolumeReplicationResponse, EnableVolumeReplicationResponse__Output as _replication_EnableVolumeReplicationResponse__Output } from '../replication/EnableVolumeReplicationResponse.ts';
import type { GetReplicationDestinationInfoRequest as _replication_GetReplicationDestinationInfoRequest, GetReplicationDestinationInfoRequest__Output as _replication_GetReplicationDestinationInfoRequest__Output } from '../replication/GetReplicationDestinationInfoRequest.ts';
import type { GetReplicationDestinationInfoResponse as _replication_GetReplicationDestinationInfoResponse, GetReplicationDestinationInfoResponse__Output as _replication_GetReplicationDestinationInfoResponse__Output } from '../replication/GetReplicationDestinationInfoResponse.ts';
import type { GetVolumeReplicationInfoRequest as _replication_GetVolumeReplicationInfoRequest, GetVolumeReplicationInfoRequest__Output as _replication_GetVolumeReplicationInfoRequest__Output } from '../replication/GetVolumeReplicationInfoRequest.ts';
import type { GetVolumeReplicationInfoResponse as _replication_GetVolumeReplicationInfoResponse, GetVolumeReplicationInfoResponse__Output as _replication_GetVolumeReplicationInfoResponse__Output } from '../replication/GetVolumeReplicationInfoResponse.ts';
import type { PromoteVolumeRequest as _replication_PromoteVolumeRequest, PromoteVolumeRequest__Output as _replication_PromoteVolumeRequest__Output } from '../replication/PromoteVolumeRequest.ts';
import type { PromoteVolumeResponse as _replication_PromoteVolumeResponse, PromoteVolumeResponse__Output as _replication_PromoteVolumeResponse__Output } from '../replication/PromoteVolumeResponse.ts';
import type { ResyncVolumeRequest as _replication_ResyncVolumeRequest, ResyncVolumeRequest__Output as _replication_ResyncVolumeRequest__Output } from '../replication/ResyncVolumeRequest.ts';
import type { ResyncVolumeResponse as _replication_ResyncVolumeResponse, ResyncVolumeResponse__Output as _replication_ResyncVolumeResponse__Output } from '../replication/ResyncVolumeResponse.ts';

export interface ControllerClient extends grpc.Client {
  DemoteVolume(argument: _replication_DemoteVolumeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_DemoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  DemoteVolume(argument: _replication_DemoteVolumeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_DemoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  DemoteVolume(argument: _replication_DemoteVolumeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_DemoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  DemoteVolume(argument: _replication_DemoteVolumeRequest, callback: grpc.requestCallback<_replication_DemoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  demoteVolume(argument: _replication_DemoteVolumeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_DemoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  demoteVolume(argument: _replication_DemoteVolumeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_DemoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  demoteVolume(argument: _replication_DemoteVolumeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_DemoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  demoteVolume(argument: _replication_DemoteVolumeRequest, callback: grpc.requestCallback<_replication_DemoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  
  DisableVolumeReplication(argument: _replication_DisableVolumeReplicationRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_DisableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  DisableVolumeReplication(argument: _replication_DisableVolumeReplicationRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_DisableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  DisableVolumeReplication(argument: _replication_DisableVolumeReplicationRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_DisableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  DisableVolumeReplication(argument: _replication_DisableVolumeReplicationRequest, callback: grpc.requestCallback<_replication_DisableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  disableVolumeReplication(argument: _replication_DisableVolumeReplicationRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_DisableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  disableVolumeReplication(argument: _replication_DisableVolumeReplicationRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_DisableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  disableVolumeReplication(argument: _replication_DisableVolumeReplicationRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_DisableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  disableVolumeReplication(argument: _replication_DisableVolumeReplicationRequest, callback: grpc.requestCallback<_replication_DisableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  
  EnableVolumeReplication(argument: _replication_EnableVolumeReplicationRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_EnableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  EnableVolumeReplication(argument: _replication_EnableVolumeReplicationRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_EnableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  EnableVolumeReplication(argument: _replication_EnableVolumeReplicationRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_EnableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  EnableVolumeReplication(argument: _replication_EnableVolumeReplicationRequest, callback: grpc.requestCallback<_replication_EnableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  enableVolumeReplication(argument: _replication_EnableVolumeReplicationRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_EnableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  enableVolumeReplication(argument: _replication_EnableVolumeReplicationRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_EnableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  enableVolumeReplication(argument: _replication_EnableVolumeReplicationRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_EnableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  enableVolumeReplication(argument: _replication_EnableVolumeReplicationRequest, callback: grpc.requestCallback<_replication_EnableVolumeReplicationResponse__Output>): grpc.ClientUnaryCall;
  
  GetReplicationDestinationInfo(argument: _replication_GetReplicationDestinationInfoRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_GetReplicationDestinationInfoResponse__Output>): grpc.ClientUnaryCall;
  GetReplicationDestinationInfo(argument: _replication_GetReplicationDestinationInfoRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_GetReplicationDestinationInfoResponse__Output>): grpc.ClientUnaryCall;
  GetReplicationDestinationInfo(argument: _replication_GetReplicationDestinationInfoRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_GetReplicationDestinationInfoResponse__Output>): grpc.ClientUnaryCall;
  GetReplicationDestinationInfo(argument: _replication_GetReplicationDestinationInfoRequest, callback: grpc.requestCallback<_replication_GetReplicationDestinationInfoResponse__Output>): grpc.ClientUnaryCall;
  getReplicationDestinationInfo(argument: _replication_GetReplicationDestinationInfoRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_GetReplicationDestinationInfoResponse__Output>): grpc.ClientUnaryCall;
  getReplicationDestinationInfo(argument: _replication_GetReplicationDestinationInfoRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_GetReplicationDestinationInfoResponse__Output>): grpc.ClientUnaryCall;
  getReplicationDestinationInfo(argument: _replication_GetReplicationDestinationInfoRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_GetReplicationDestinationInfoResponse__Output>): grpc.ClientUnaryCall;
  getReplicationDestinationInfo(argument: _replication_GetReplicationDestinationInfoRequest, callback: grpc.requestCallback<_replication_GetReplicationDestinationInfoResponse__Output>): grpc.ClientUnaryCall;
  
  GetVolumeReplicationInfo(argument: _replication_GetVolumeReplicationInfoRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_GetVolumeReplicationInfoResponse__Output>): grpc.ClientUnaryCall;
  GetVolumeReplicationInfo(argument: _replication_GetVolumeReplicationInfoRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_GetVolumeReplicationInfoResponse__Output>): grpc.ClientUnaryCall;
  GetVolumeReplicationInfo(argument: _replication_GetVolumeReplicationInfoRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_GetVolumeReplicationInfoResponse__Output>): grpc.ClientUnaryCall;
  GetVolumeReplicationInfo(argument: _replication_GetVolumeReplicationInfoRequest, callback: grpc.requestCallback<_replication_GetVolumeReplicationInfoResponse__Output>): grpc.ClientUnaryCall;
  getVolumeReplicationInfo(argument: _replication_GetVolumeReplicationInfoRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_GetVolumeReplicationInfoResponse__Output>): grpc.ClientUnaryCall;
  getVolumeReplicationInfo(argument: _replication_GetVolumeReplicationInfoRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_GetVolumeReplicationInfoResponse__Output>): grpc.ClientUnaryCall;
  getVolumeReplicationInfo(argument: _replication_GetVolumeReplicationInfoRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_GetVolumeReplicationInfoResponse__Output>): grpc.ClientUnaryCall;
  getVolumeReplicationInfo(argument: _replication_GetVolumeReplicationInfoRequest, callback: grpc.requestCallback<_replication_GetVolumeReplicationInfoResponse__Output>): grpc.ClientUnaryCall;
  
  PromoteVolume(argument: _replication_PromoteVolumeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_PromoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  PromoteVolume(argument: _replication_PromoteVolumeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_PromoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  PromoteVolume(argument: _replication_PromoteVolumeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_PromoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  PromoteVolume(argument: _replication_PromoteVolumeRequest, callback: grpc.requestCallback<_replication_PromoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  promoteVolume(argument: _replication_PromoteVolumeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_PromoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  promoteVolume(argument: _replication_PromoteVolumeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_PromoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  promoteVolume(argument: _replication_PromoteVolumeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_PromoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  promoteVolume(argument: _replication_PromoteVolumeRequest, callback: grpc.requestCallback<_replication_PromoteVolumeResponse__Output>): grpc.ClientUnaryCall;
  
  ResyncVolume(argument: _replication_ResyncVolumeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_ResyncVolumeResponse__Output>): grpc.ClientUnaryCall;
  ResyncVolume(argument: _replication_ResyncVolumeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_ResyncVolumeResponse__Output>): grpc.ClientUnaryCall;
  ResyncVolume(argument: _replication_ResyncVolumeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_ResyncVolumeResponse__Output>): grpc.ClientUnaryCall;
  ResyncVolume(argument: _replication_ResyncVolumeRequest, callback: grpc.requestCallback<_replication_ResyncVolumeResponse__Output>): grpc.ClientUnaryCall;
  resyncVolume(argument: _replication_ResyncVolumeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_ResyncVolumeResponse__Output>): grpc.ClientUnaryCall;
  resyncVolume(argument: _replication_ResyncVolumeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_replication_ResyncVolumeResponse__Output>): grpc.ClientUnaryCall;
  resyncVolume(argument: _replication_ResyncVolumeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_replication_ResyncVolumeResponse__Output>): grpc.ClientUnaryCall;
  resyncVolume(argument: _replication_ResyncVolumeRequest, callback: grpc.requestCallback<_replication_ResyncVolumeResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface ControllerHandlers extends grpc.UntypedServiceImplementation {
  DemoteVolume: grpc.handleUnaryCall<_replication_DemoteVolumeRequest__Output, _replication_DemoteVolumeResponse>;
  
  DisableVolumeReplication: grpc.handleUnaryCall<_replication_DisableVolumeReplicationRequest__Output, _replication_DisableVolumeReplicationResponse>;
  
  EnableVolumeReplication: grpc.handleUnaryCall<_replication_EnableVolumeReplicationRequest__Output, _replication_EnableVolumeReplicationResponse>;
  
  GetReplicationDestinationInfo: grpc.handleUnaryCall<_replication_GetReplicationDestinationInfoRequest__Output, _replication_GetReplicationDestinationInfoResponse>;
  
  GetVolumeReplicationInfo: grpc.handleUnaryCall<_replication_GetVolumeReplicationInfoRequest__Output, _replication_GetVolumeReplicationInfoResponse>;
  
  PromoteVolume: grpc.handleUnaryCall<_replication_PromoteVolumeRequest__Output, _replication_PromoteVolumeResponse>;
  
  ResyncVolume: grpc.handleUnaryCall<_replication_ResyncVolumeRequest__Output, _replication_ResyncVolumeResponse>;
  
}

export interface ControllerDefinition extends grpc.ServiceDefinition {
  DemoteVolume: MethodDefinition<_replication_DemoteVolumeRequest, _replication_DemoteVolumeResponse, _replication_DemoteVolumeRequest__Output, _replication_DemoteVolumeResponse__Output>
  DisableVolumeReplication: MethodDefinition<_replication_DisableVolumeReplicationRequest, _replication_DisableVolumeReplicationResponse, _replication_DisableVolumeReplicationRequest__Output, _replication_DisableVolumeReplicationResponse__Output>
  EnableVolumeReplication: MethodDefinition<_replication_EnableVolumeReplicationRequest, _replication_EnableVolumeReplicationResponse, _replication_EnableVolumeReplicationRequest__Output, _replication_EnableVolumeReplicationResponse__Output>
  GetReplicationDestinationInfo: MethodDefinition<_replication_GetReplicationDestinationInfoRequest, _replication_GetReplicationDestinationInfoResponse, _replication_GetReplicationDestinationInfoRequest__Output, _replication_GetReplicationDestinationInfoResponse__Output>
  GetVolumeReplicationInfo: MethodDefinition<_replication_GetVolumeReplicationInfoRequest, _replication_GetVolumeReplicationInfoResponse, _replication_GetVolumeReplicationInfoRequest__Output, _replication_GetVolumeReplicationInfoResponse__Output>
  PromoteVolume: MethodDefinition<_replication_PromoteVolumeRequest, _replication_PromoteVolumeResponse, _replication_PromoteVolumeRequest__Output, _replication_PromoteVolumeResponse__Output>
  ResyncVolume: MethodDefinition<_replication_ResyncVolumeRequest, _replication_ResyncVolumeResponse, _replication_ResyncVolumeRequest__Output, _replication_ResyncVolumeResponse__Output>
}
