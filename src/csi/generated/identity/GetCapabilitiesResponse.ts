// Original file: proto/csi-addons-identity.proto

import type { Capability as _identity_Capability, Capability__Output as _identity_Capability__Output } from '../identity/Capability.ts';

export interface GetCapabilitiesResponse {
  'capabilities'?: (_identity_Capability)[];
}

export interface GetCapabilitiesResponse__Output {
  'capabilities': (_identity_Capability__Output)[];
}
