import type { GetPluginInfoRequest, GetPluginInfoResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import type { Identity } from './identity.ts';

/** The driver's name and version. */
export const getPluginInfo: Rpc<Identity, GetPluginInfoRequest, Record<never, never>, GetPluginInfoResponse> = {
  read: () => ({}),
  run: ({ name, version }) => Promise.resolve({ name, vendorVersion: version }),
};
