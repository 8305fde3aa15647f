import type { GetPluginCapabilitiesRequest, GetPluginCapabilitiesResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import type { Identity } from './identity.ts';

type Capability = NonNullable<GetPluginCapabilitiesResponse['capabilities']>[number];

const CONTROLLER_SERVICES = ['CONTROLLER_SERVICE', 'GROUP_CONTROLLER_SERVICE', 'SNAPSHOT_METADATA_SERVICE'] as const;
const EVERYWHERE = ['VOLUME_ACCESSIBILITY_CONSTRAINTS', 'SNAPSHOT_ACCESSIBILITY_CONSTRAINTS'] as const;

/** Which services there are, and what holds for the whole driver. */
export const getPluginCapabilities: Rpc<
  Identity,
  GetPluginCapabilitiesRequest,
  Record<never, never>,
  GetPluginCapabilitiesResponse
> = {
  read: () => ({}),

  run({ servesController }) {
    const types = [...(servesController ? CONTROLLER_SERVICES : []), ...EVERYWHERE];
    const services = types.map((type): Capability => ({ type: 'service', service: { type } }));
    // Published volumes grow too; what a host cannot do while mounted is done at the next stage.
    const expansion: Capability = { type: 'volumeExpansion', volumeExpansion: { type: 'ONLINE' } };
    return Promise.resolve({ capabilities: [...services, expansion] });
  },
};
