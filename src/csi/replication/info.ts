import type { VolumeState } from '#mirror';
import { timestamp } from '../controller/answers.ts';
import type { VolumeAsked } from '../controller/read-volume.ts';
import type {
  GetReplicationDestinationInfoRequest,
  GetReplicationDestinationInfoResponse,
  GetVolumeReplicationInfoRequest,
  GetVolumeReplicationInfoResponse,
} from '../generated/replication-messages.ts';
import { volumeId } from '../request/ids.ts';
import type { Rpc } from '../rpc.ts';
import { lookAtBoth, notMirrored, type Replication, readReplicated } from './replicated-volume.ts';

const STATUS = {
  replicating: 'HEALTHY',
  syncing: 'DEGRADED',
  failed: 'ERROR',
  'split-brain': 'ERROR',
  unprotected: 'ERROR',
} as const satisfies Record<VolumeState, string>;

/** How a volume fares, and how old the newest state is that the other site has whole: by the lists of snapshots of both. */
export const getVolumeReplicationInfo: Rpc<
  Replication,
  GetVolumeReplicationInfoRequest,
  VolumeAsked,
  GetVolumeReplicationInfoResponse
> = {
  read: readReplicated,

  async run(replication, want, scope) {
    const { mine, comparison, peerSilent, name } = await lookAtBoth(replication, want, scope);
    if (mine === undefined) throw notMirrored(name);
    const { state, reason, message, lag } = comparison;
    const words = [reason, message, peerSilent?.message ?? ''].filter((text) => text !== '');
    return {
      // Of what nobody can tell nothing is said, rather than a time that is too new.
      ...(lag === undefined ? {} : { lastSyncTime: timestamp(Date.now() - lag * 1000) }),
      status: peerSilent === undefined ? STATUS[state] : 'UNKNOWN',
      statusMessage: words.join(': '),
    };
  },
};

/** Handles are names: a volume's is the same at both sites. */
export const getReplicationDestinationInfo: Rpc<
  Replication,
  GetReplicationDestinationInfoRequest,
  VolumeAsked,
  GetReplicationDestinationInfoResponse
> = {
  read: readReplicated,
  run: (_replication, want) => Promise.resolve({ replicationDestination: { volume: { volumeId: volumeId(want) } } }),
};
