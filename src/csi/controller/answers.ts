/** What the engine answers, in CSI's words. */
import type { VolumeHealth as Health, Snapshot, Volume } from '#rbd';
import type { Controller } from '../clusters.ts';
import type {
  VolumeContentSource,
  VolumeHealth as WireHealth,
  Snapshot as WireSnapshot,
  Volume as WireVolume,
} from '../generated/messages.ts';
import { writeBytes } from '../int64.ts';
import type { TopologyPool } from '../parameters/topology-pools.ts';
import { groupId, snapshotId, volumeId } from '../request/ids.ts';
import { asTopology } from '../request/topology.ts';

const HEALTH = { degraded: 'DEGRADED', inaccessible: 'INACCESSIBLE', 'data-loss': 'DATA_LOSS' } as const;

export interface Timestamp {
  readonly seconds: string;
  readonly nanos: number;
}

/** A volume as a listing shows it: what its class said is not known any more. */
export function answerVolume(controller: Controller, cluster: string, volume: Volume): WireVolume {
  const source = contentSource(cluster, volume);
  return {
    capacityBytes: writeBytes(volume.size),
    volumeId: volumeId({ cluster, ref: volume }),
    ...(source === undefined ? {} : { contentSource: source }),
    accessibleTopology: asTopology(topologyOf(controller, cluster, volume)),
  };
}

function contentSource(cluster: string, { source }: Volume): VolumeContentSource | undefined {
  switch (source.from) {
    case 'nothing':
      return undefined;
    case 'snapshot':
      return { type: 'snapshot', snapshot: { snapshotId: snapshotId({ cluster, ref: source.snapshot }) } };
    case 'volume':
      return { type: 'volume', volume: { volumeId: volumeId({ cluster, ref: source.volume }) } };
  }
}

export function answerSnapshot(controller: Controller, cluster: string, snapshot: Snapshot): WireSnapshot {
  const { group } = snapshot;
  return {
    sizeBytes: writeBytes(snapshot.size),
    snapshotId: snapshotId({ cluster, ref: snapshot }),
    sourceVolumeId: volumeId({ cluster, ref: snapshot }),
    creationTime: timestamp(snapshot.createdAt),
    readyToUse: true,
    groupSnapshotId: group === undefined ? '' : groupId({ cluster, ref: group }),
    accessibleTopology: asTopology(topologyOf(controller, cluster, snapshot)),
  };
}

/** Where a pool can be reached from, as the role was told; nothing means from everywhere. */
function topologyOf(
  { topology }: Controller,
  cluster: string,
  at: { readonly pool: string; readonly dataPool: string },
): readonly TopologyPool[] {
  return topology.filter((known) => known.cluster === cluster && known.pool === at.pool && known.dataPool === at.dataPool);
}

export function answerHealth(cluster: string, health: Health): WireHealth {
  return {
    volumeId: volumeId({ cluster, ref: health }),
    healthStatuses: health.entries.map(({ status, reason, message }) => ({ status: HEALTH[status], reason, message })),
  };
}

/** Milliseconds since the epoch in protobuf's form. */
export function timestamp(milliseconds: number): Timestamp {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds: String(seconds), nanos: Math.round((milliseconds - seconds * 1000) * 1e6) };
}
