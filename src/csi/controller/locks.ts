/**
 * What each RPC holds while it runs, until its outcome is known. A courtesy between the calls of one process: two
 * controllers may serve at once, and what is correct then rests on RADOS (exclusive names, compare-and-set).
 */
import type { ImageRef, SnapshotRef } from '#rbd';
import { type Located, snapshotId, volumeId } from '../request/ids.ts';
import type { Locks } from '../rpc.ts';
import type { SnapshotWanted } from './create-snapshot.ts';
import type { SnapshotUnwanted } from './delete-snapshot.ts';
import type { VolumeUnwanted } from './delete-volume.ts';
import type { VolumeWanted } from './read-volume-spec.ts';

export const LOCKS = {
  // The same key as every other RPC's on that volume: a handle follows from the name. A source is not held, for one
  // may be cloned many times at once. Of a class with several pools it is held in each.
  CreateVolume: ({ cluster, spec, others }: VolumeWanted) =>
    [{ spec }, ...others].map((place) => onVolume({ cluster, ref: place.spec })),
  DeleteVolume: ({ volume }: VolumeUnwanted) => (volume === undefined ? [] : [onVolume(volume)]),
  ControllerPublishVolume: (volume: Located<ImageRef>) => [onVolume(volume)],
  ControllerUnpublishVolume: ({ volume }: VolumeUnwanted) => (volume === undefined ? [] : [onVolume(volume)]),
  ControllerExpandVolume: (volume: Located<ImageRef>) => [onVolume(volume)],
  ControllerModifyVolume: (volume: Located<ImageRef>) => [onVolume(volume)],
  CreateSnapshot: ({ cluster, spec }: SnapshotWanted) => [onSnapshot({ cluster, ref: spec }), onVolume({ cluster, ref: spec })],
  // Not its volume: many snapshots of one volume go at once when a schedule cleans up.
  DeleteSnapshot: ({ snapshot }: SnapshotUnwanted) => (snapshot === undefined ? [] : [onSnapshot(snapshot)]),
  ValidateVolumeCapabilities: { unlocked: 'only looks' },
  ListVolumes: { unlocked: 'only looks, and a listing is never of one moment' },
  ControllerGetVolume: { unlocked: 'only looks' },
  ControllerGetVolumeHealth: { unlocked: 'only looks' },
  ControllerListVolumeHealth: { unlocked: 'only looks' },
  GetCapacity: { unlocked: 'reads pool statistics, and a stale answer is allowed' },
  GetSnapshot: { unlocked: 'only looks' },
  ListSnapshots: { unlocked: 'only looks, and a listing is never of one moment' },
  ControllerGetCapabilities: { unlocked: 'answers a constant' },
} satisfies Record<string, Locks<never>>;

export function onVolume(volume: Located<ImageRef>): string {
  return `volume ${volumeId(volume)}`;
}

function onSnapshot({ cluster, ref }: Located<SnapshotRef>): string {
  const { pool, namespace, image, snapshot } = ref;
  return `snapshot ${snapshotId({ cluster, ref: { pool, namespace, image, snapshot } })}`;
}
