import type { VolumeAsked } from '../controller/read-volume.ts';
import type { DemoteVolumeRequest, DemoteVolumeResponse } from '../generated/replication-messages.ts';
import type { Rpc } from '../rpc.ts';
import { lookHere, notMirrored, type Replication, readReplicated, refuseOfPolicy, settle } from './replicated-volume.ts';

/** Makes a volume that nobody has open take no more writes here; done also where it is a copy. Force changes nothing. */
export const demoteVolume: Rpc<Replication, DemoteVolumeRequest, VolumeAsked, DemoteVolumeResponse> = {
  read: readReplicated,

  async run(replication, want, scope) {
    const seen = await lookHere(replication, want, scope);
    if (seen.mine?.detail === undefined) throw notMirrored(seen.name);
    if (seen.mine.detail.standing.role !== 'primary') return {};
    refuseOfPolicy(seen);
    const { pool, namespace, image } = want.ref;
    settle(await seen.own.demoteImages({ place: { pool, namespace }, images: [image] }, scope));
    return {};
  },
};
