// Original file: proto/csi-addons-identity.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GetCapabilitiesRequest as _identity_GetCapabilitiesRequest, GetCapabilitiesRequest__Output as _identity_GetCapabilitiesRequest__Output } from '../identity/GetCapabilitiesRequest.ts';
import type { GetCapabilitiesResponse as _identity_GetCapabilitiesResponse, GetCapabilitiesResponse__Output as _identity_GetCapabilitiesResponse__Output } from '../identity/GetCapabilitiesResponse.ts';
import type { GetIdentityRequest as _identity_GetIdentityRequest, GetIdentityRequest__Output as _identity_GetIdentityRequest__Output } from '../identity/GetIdentityRequest.ts';
import type { GetIdentityResponse as _identity_GetIdentityResponse, GetIdentityResponse__Output as _identity_GetIdentityResponse__Output } from '../identity/GetIdentityResponse.ts';
import type { ProbeRequest as _identity_ProbeRequest, ProbeRequest__Output as _identity_ProbeRequest__Output } from '../identity/ProbeRequest.ts';
import type { ProbeResponse as _identity_ProbeResponse, ProbeResponse__Output as _identity_ProbeResponse__Output } from '../identity/ProbeResponse.ts';

export interface IdentityClient extends grpc.Client {
  GetCapabilities(argument: _identity_GetCapabilitiesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  GetCapabilities(argument: _identity_GetCapabilitiesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_identity_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  GetCapabilities(argument: _identity_GetCapabilitiesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  GetCapabilities(argument: _identity_GetCapabilitiesRequest, callback: grpc.requestCallback<_identity_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  getCapabilities(argument: _identity_GetCapabilitiesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  getCapabilities(argument: _identity_GetCapabilitiesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_identity_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  getCapabilities(argument: _identity_GetCapabilitiesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  getCapabilities(argument: _identity_GetCapabilitiesRequest, callback: grpc.requestCallback<_identity_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  
  GetIdentity(argument: _identity_GetIdentityRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_GetIdentityResponse__Output>): grpc.ClientUnaryCall;
  GetIdentity(argument: _identity_GetIdentityRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_identity_GetIdentityResponse__Output>): grpc.ClientUnaryCall;
  GetIdentity(argument: _identity_GetIdentityRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_GetIdentityResponse__Output>): grpc.ClientUnaryCall;
  GetIdentity(argument: _identity_GetIdentityRequest, callback: grpc.requestCallback<_identity_GetIdentityResponse__Output>): grpc.ClientUnaryCall;
  getIdentity(argument: _identity_GetIdentityRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_GetIdentityResponse__Output>): grpc.ClientUnaryCall;
  getIdentity(argument: _identity_GetIdentityRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_identity_GetIdentityResponse__Output>): grpc.ClientUnaryCall;
  getIdentity(argument: _identity_GetIdentityRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_GetIdentityResponse__Output>): grpc.ClientUnaryCall;
  getIdentity(argument: _identity_GetIdentityRequest, callback: grpc.requestCallback<_identity_GetIdentityResponse__Output>): grpc.ClientUnaryCall;
  
  Probe(argument: _identity_ProbeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_ProbeResponse__Output>): grpc.ClientUnaryCall;
  Probe(argument: _identity_ProbeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_identity_ProbeResponse__Output>): grpc.ClientUnaryCall;
  Probe(argument: _identity_ProbeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_ProbeResponse__Output>): grpc.ClientUnaryCall;
  Probe(argument: _identity_ProbeRequest, callback: grpc.requestCallback<_identity_ProbeResponse__Output>): grpc.ClientUnaryCall;
  probe(argument: _identity_ProbeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_ProbeResponse__Output>): grpc.ClientUnaryCall;
  probe(argument: _identity_ProbeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_identity_ProbeResponse__Output>): grpc.ClientUnaryCall;
  probe(argument: _identity_ProbeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_identity_ProbeResponse__Output>): grpc.ClientUnaryCall;
  probe(argument: _identity_ProbeRequest, callback: grpc.requestCallback<_identity_ProbeResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface IdentityHandlers extends grpc.UntypedServiceImplementation {
  GetCapabilities: grpc.handleUnaryCall<_identity_GetCapabilitiesRequest__Output, _identity_GetCapabilitiesResponse>;
  
  GetIdentity: grpc.handleUnaryCall<_identity_GetIdentityRequest__Output, _identity_GetIdentityResponse>;
  
  Probe: grpc.handleUnaryCall<_identity_ProbeRequest__Output, _identity_ProbeResponse>;
  
}

export interface IdentityDefinition extends grpc.ServiceDefinition {
  GetCapabilities: MethodDefinition<_identity_GetCapabilitiesRequest, _identity_GetCapabilitiesResponse, _identity_GetCapabilitiesRequest__Output, _identity_GetCapabilitiesResponse__Output>
  GetIdentity: MethodDefinition<_identity_GetIdentityRequest, _identity_GetIdentityResponse, _identity_GetIdentityRequest__Output, _identity_GetIdentityResponse__Output>
  Probe: MethodDefinition<_identity_ProbeRequest, _identity_ProbeResponse, _identity_ProbeRequest__Output, _identity_ProbeResponse__Output>
}
