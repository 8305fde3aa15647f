import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { BoolValue as _google_protobuf_BoolValue, BoolValue__Output as _google_protobuf_BoolValue__Output } from './google/protobuf/BoolValue.ts';
import type { BytesValue as _google_protobuf_BytesValue, BytesValue__Output as _google_protobuf_BytesValue__Output } from './google/protobuf/BytesValue.ts';
import type { DoubleValue as _google_protobuf_DoubleValue, DoubleValue__Output as _google_protobuf_DoubleValue__Output } from './google/protobuf/DoubleValue.ts';
import type { FloatValue as _google_protobuf_FloatValue, FloatValue__Output as _google_protobuf_FloatValue__Output } from './google/protobuf/FloatValue.ts';
import type { Int32Value as _google_protobuf_Int32Value, Int32Value__Output as _google_protobuf_Int32Value__Output } from './google/protobuf/Int32Value.ts';
import type { Int64Value as _google_protobuf_Int64Value, Int64Value__Output as _google_protobuf_Int64Value__Output } from './google/protobuf/Int64Value.ts';
import type { StringValue as _google_protobuf_StringValue, StringValue__Output as _google_protobuf_StringValue__Output } from './google/protobuf/StringValue.ts';
import type { UInt32Value as _google_protobuf_UInt32Value, UInt32Value__Output as _google_protobuf_UInt32Value__Output } from './google/protobuf/UInt32Value.ts';
import type { UInt64Value as _google_protobuf_UInt64Value, UInt64Value__Output as _google_protobuf_UInt64Value__Output } from './google/protobuf/UInt64Value.ts';
import type { Capability as _identity_Capability, Capability__Output as _identity_Capability__Output } from './identity/Capability.ts';
import type { GetCapabilitiesRequest as _identity_GetCapabilitiesRequest, GetCapabilitiesRequest__Output as _identity_GetCapabilitiesRequest__Output } from './identity/GetCapabilitiesRequest.ts';
import type { GetCapabilitiesResponse as _identity_GetCapabilitiesResponse, GetCapabilitiesResponse__Output as _identity_GetCapabilitiesResponse__Output } from './identity/GetCapabilitiesResponse.ts';
import type { GetIdentityRequest as _identity_GetIdentityRequest, GetIdentityRequest__Output as _identity_GetIdentityRequest__Output } from './identity/GetIdentityRequest.ts';
import type { GetIdentityResponse as _identity_GetIdentityResponse, GetIdentityResponse__Output as _identity_GetIdentityResponse__Output } from './identity/GetIdentityResponse.ts';
import type { IdentityClient as _identity_IdentityClient, IdentityDefinition as _identity_IdentityDefinition } from './identity/Identity.ts';
import type { ProbeRequest as _identity_ProbeRequest, ProbeRequest__Output as _identity_ProbeRequest__Output } from './identity/ProbeRequest.ts';
import type { ProbeResponse as _identity_ProbeResponse, ProbeResponse__Output as _identity_ProbeResponse__Output } from './identity/ProbeResponse.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  google: {
    protobuf: {
      BoolValue: MessageTypeDefinition<_google_protobuf_BoolValue, _google_protobuf_BoolValue__Output>
      BytesValue: MessageTypeDefinition<_google_protobuf_BytesValue, _google_protobuf_BytesValue__Output>
      DoubleValue: MessageTypeDefinition<_google_protobuf_DoubleValue, _google_protobuf_DoubleValue__Output>
      FloatValue: MessageTypeDefinition<_google_protobuf_FloatValue, _google_protobuf_FloatValue__Output>
      Int32Value: MessageTypeDefinition<_google_protobuf_Int32Value, _google_protobuf_Int32Value__Output>
      Int64Value: MessageTypeDefinition<_google_protobuf_Int64Value, _google_protobuf_Int64Value__Output>
      StringValue: MessageTypeDefinition<_google_protobuf_StringValue, _google_protobuf_StringValue__Output>
      UInt32Value: MessageTypeDefinition<_google_protobuf_UInt32Value, _google_protobuf_UInt32Value__Output>
      UInt64Value: MessageTypeDefinition<_google_protobuf_UInt64Value, _google_protobuf_UInt64Value__Output>
    }
  }
  identity: {
    Capability: MessageTypeDefinition<_identity_Capability, _identity_Capability__Output>
    GetCapabilitiesRequest: MessageTypeDefinition<_identity_GetCapabilitiesRequest, _identity_GetCapabilitiesRequest__Output>
    GetCapabilitiesResponse: MessageTypeDefinition<_identity_GetCapabilitiesResponse, _identity_GetCapabilitiesResponse__Output>
    GetIdentityRequest: MessageTypeDefinition<_identity_GetIdentityRequest, _identity_GetIdentityRequest__Output>
    GetIdentityResponse: MessageTypeDefinition<_identity_GetIdentityResponse, _identity_GetIdentityResponse__Output>
    Identity: SubtypeConstructor<typeof grpc.Client, _identity_IdentityClient> & { service: _identity_IdentityDefinition }
    ProbeRequest: MessageTypeDefinition<_identity_ProbeRequest, _identity_ProbeRequest__Output>
    ProbeResponse: MessageTypeDefinition<_identity_ProbeResponse, _identity_ProbeResponse__Output>
  }
}

