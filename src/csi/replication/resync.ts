/**
 * ResyncVolume, which the controller asks again and again of a volume that is to be a copy: whether it follows the other site.
 * Only with force, and only when both sites say that the two have diverged, what is here is thrown away and copied anew.
 */
import { Failure } from '#lib/failure';
import type { VolumeAsked } from '../controller/read-volume.ts';
import type { ResyncVolumeRequest, ResyncVolumeResponse } from '../generated/replication-messages.ts';
import type { Rpc } from '../rpc.ts';
import {
  lookAtBoth,
  notMirrored,
  type Replication,
  readReplicated,
  refuseOfPolicy,
  type Seen,
  settle,
} from './replicated-volume.ts';

interface Wanted extends VolumeAsked {
  readonly force: boolean;
}

export const resyncVolume: Rpc<Replication, ResyncVolumeRequest, Wanted, ResyncVolumeResponse> = {
  read: (request) => ({ ...readReplicated(request), force: request.force }),

  async run(replication, want, scope) {
    const seen = await lookAtBoth(replication, want, scope);
    check(seen);
    const { state, settled, primary } = seen.comparison;
    if (state === 'replicating') return { ready: settled };
    if (state === 'syncing') return { ready: false };
    if (state !== 'split-brain' || primary !== 'there') {
      throw new Failure('busy', 'NOT_FOLLOWING', `${seen.name} does not follow the other site: ${describe(seen)}`);
    }
    refuseOfPolicy(seen);
    if (!want.force) {
      throw new Failure(
        'busy',
        'SPLIT_BRAIN',
        `${seen.name} was written at both sites, and nobody said that what is here may go (autoResync)`,
      );
    }
    const { pool, namespace, image } = want.ref;
    settle(await seen.own.resyncDiverged({ place: { pool, namespace }, images: [image] }, scope));
    return { ready: false };
  },
};

function check({ mine, theirs, peerSilent, name }: Seen): void {
  if (peerSilent !== undefined) {
    throw new Failure('unreachable', 'PEER_SILENT', `${name}: ${peerSilent.message}`, { cause: peerSilent });
  }
  // While it is copied anew there is none here for half a minute.
  if (mine?.detail === undefined && theirs === undefined) throw notMirrored(name);
  if (mine?.detail?.standing.role === 'primary') {
    throw new Failure('precondition', 'IMAGE_IS_PRIMARY', `${name} is primary here; demote it first`);
  }
}

function describe({ comparison: { reason, message } }: Seen): string {
  return message === '' ? reason : `${reason}: ${message}`;
}
