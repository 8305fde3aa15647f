import { IDENTITY } from '../definitions.ts';
import type { IdentityHandlers } from '../generated/csi/v1/Identity.ts';
import type { Host } from '../rpc.ts';
import type { Service } from '../server.ts';
import { serving } from '../unary.ts';
import { getPluginCapabilities } from './get-plugin-capabilities.ts';
import { getPluginInfo } from './get-plugin-info.ts';
import type { Identity } from './identity.ts';
import { probe } from './probe.ts';

const CONSTANT = { unlocked: 'answers a constant' };

/** The Identity service, which every role serves. */
export function identityService(host: Host, identity: Identity): Service {
  const serve = serving(host, identity);
  const handlers: IdentityHandlers = {
    GetPluginInfo: serve('GetPluginInfo', getPluginInfo, CONSTANT),
    GetPluginCapabilities: serve('GetPluginCapabilities', getPluginCapabilities, CONSTANT),
    Probe: serve('Probe', probe, { unlocked: 'only looks' }),
  };
  return { definition: IDENTITY, handlers };
}
