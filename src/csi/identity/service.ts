import { IDENTITY } from '../definitions.ts';
import type { IdentityHandlers } from '../generated/csi/v1/Identity.ts';
import type { Host } from '../rpc.ts';
import type { Service } from '../server.ts';
import { unary } from '../unary.ts';
import { getPluginCapabilities } from './get-plugin-capabilities.ts';
import { getPluginInfo } from './get-plugin-info.ts';
import type { Identity } from './identity.ts';
import { probe } from './probe.ts';

const CONSTANT = { unlocked: 'answers a constant' };

/** The Identity service, which every role serves. */
export function identityService(host: Host, identity: Identity): Service {
  const handlers: IdentityHandlers = {
    GetPluginInfo: unary(host, identity, { name: 'GetPluginInfo', rpc: getPluginInfo, locks: CONSTANT }),
    GetPluginCapabilities: unary(host, identity, { name: 'GetPluginCapabilities', rpc: getPluginCapabilities, locks: CONSTANT }),
    Probe: unary(host, identity, { name: 'Probe', rpc: probe, locks: { unlocked: 'only looks' } }),
  };
  return { definition: IDENTITY, handlers };
}
