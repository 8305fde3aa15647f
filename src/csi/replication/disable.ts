import type { VolumeAsked } from '../controller/read-volume.ts';
import type { DisableVolumeReplicationRequest, DisableVolumeReplicationResponse } from '../generated/replication-messages.ts';
import type { Rpc } from '../rpc.ts';
import { lookHere, MARK, type Replication, readReplicated, settle } from './replicated-volume.ts';

/**
 * Ends the mirroring where the volume is primary, and with it the other site's copy. A copy here ends with its original; what a
 * MirrorPolicy mirrors is not ours to end: both are done.
 */
export const disableVolumeReplication: Rpc<
  Replication,
  DisableVolumeReplicationRequest,
  VolumeAsked,
  DisableVolumeReplicationResponse
> = {
  read: readReplicated,

  async run(replication, want, scope) {
    const { own, mine } = await lookHere(replication, want, scope);
    const isOurs = mine?.detail?.policy.startsWith(MARK) === true;
    if (mine?.detail?.standing.role !== 'primary' || !isOurs) return {};
    const { pool, namespace, image } = want.ref;
    settle(await own.disableMirroring({ place: { pool, namespace }, images: [image], how: 'with-copy' }, scope));
    return {};
  },
};
