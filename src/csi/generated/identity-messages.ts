// Made by scripts/generate-proto-types.ts from proto

export type { Capability } from './identity/Capability.ts';
export type { GetCapabilitiesRequest__Output as GetCapabilitiesRequest } from './identity/GetCapabilitiesRequest.ts';
export type { GetCapabilitiesResponse } from './identity/GetCapabilitiesResponse.ts';
export type { GetIdentityRequest__Output as GetIdentityRequest } from './identity/GetIdentityRequest.ts';
export type { GetIdentityResponse } from './identity/GetIdentityResponse.ts';
export type { ProbeRequest__Output as ProbeRequest } from './identity/ProbeRequest.ts';
export type { ProbeResponse } from './identity/ProbeResponse.ts';
