/** CSI-Addons, as far as replication goes: its Identity and its replication.Controller, on a socket of their own. */
import type { ImageRef } from '#rbd';
import { onVolume } from '../controller/locks.ts';
import { ADDONS_IDENTITY, REPLICATION } from '../definitions.ts';
import type { IdentityHandlers } from '../generated/identity/Identity.ts';
import type {
  GetCapabilitiesRequest,
  GetCapabilitiesResponse,
  GetIdentityRequest,
  GetIdentityResponse,
  ProbeRequest,
  ProbeResponse,
} from '../generated/identity-messages.ts';
import type { ControllerHandlers } from '../generated/replication/Controller.ts';
import type { Located } from '../request/ids.ts';
import type { Host, Rpc } from '../rpc.ts';
import type { Service } from '../server.ts';
import { serving } from '../unary.ts';
import { demoteVolume } from './demote.ts';
import { disableVolumeReplication } from './disable.ts';
import { enableVolumeReplication } from './enable.ts';
import { getReplicationDestinationInfo, getVolumeReplicationInfo } from './info.ts';
import { promoteVolume } from './promote.ts';
import type { Replication } from './replicated-volume.ts';
import { resyncVolume } from './resync.ts';

const LOOKS = { unlocked: 'only looks' };
const CONSTANT = { unlocked: 'answers a constant' };
const held = (volume: Located<ImageRef>): readonly string[] => [onVolume(volume)];

type Nothing = Record<never, never>;

const getIdentity: Rpc<Replication, GetIdentityRequest, Nothing, GetIdentityResponse> = {
  read: () => ({}),
  run: ({ driverName, version }) => Promise.resolve({ name: driverName, vendorVersion: version }),
};

const getCapabilities: Rpc<Replication, GetCapabilitiesRequest, Nothing, GetCapabilitiesResponse> = {
  read: () => ({}),
  run: () =>
    Promise.resolve({
      capabilities: [
        { service: { type: 'CONTROLLER_SERVICE' } },
        { volumeReplication: { type: 'VOLUME_REPLICATION' } },
        { volumeReplication: { type: 'GET_REPLICATION_DESTINATION_INFO' } },
      ],
    }),
};

/** Whether this process answers; how Ceph fares is told by each call, and by CSI's own Probe. */
const probe: Rpc<Replication, ProbeRequest, Nothing, ProbeResponse> = {
  read: () => ({}),
  run: () => Promise.resolve({ ready: { value: true } }),
};

export function replicationServices(host: Host, replication: Replication): readonly Service[] {
  const serve = serving(host, replication);
  const identity: IdentityHandlers = {
    GetIdentity: serve('identity.GetIdentity', getIdentity, CONSTANT),
    GetCapabilities: serve('identity.GetCapabilities', getCapabilities, CONSTANT),
    Probe: serve('identity.Probe', probe, CONSTANT),
  };
  const controller: ControllerHandlers = {
    EnableVolumeReplication: serve('replication.EnableVolumeReplication', enableVolumeReplication, held),
    DisableVolumeReplication: serve('replication.DisableVolumeReplication', disableVolumeReplication, held),
    PromoteVolume: serve('replication.PromoteVolume', promoteVolume, held),
    DemoteVolume: serve('replication.DemoteVolume', demoteVolume, held),
    ResyncVolume: serve('replication.ResyncVolume', resyncVolume, held),
    GetVolumeReplicationInfo: serve('replication.GetVolumeReplicationInfo', getVolumeReplicationInfo, LOOKS),
    GetReplicationDestinationInfo: serve('replication.GetReplicationDestinationInfo', getReplicationDestinationInfo, CONSTANT),
  };
  return [
    { definition: ADDONS_IDENTITY, handlers: identity },
    { definition: REPLICATION, handlers: controller },
  ];
}
