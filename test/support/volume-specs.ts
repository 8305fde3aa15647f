/** Builders of what the engine is asked: a test names only what differs. */
import type { GroupSnapshotSpec, ImageRef, Place, SnapshotSpec, VolumeSpec } from '#rbd';
import type { TestPool } from './micro-ceph.ts';

export const MiB = 2n ** 20n;
export const GiB = 2n ** 30n;

type Where = Pick<TestPool, 'place'>;

export function aVolume(where: Where, differs: Partial<VolumeSpec> & { readonly image: string }): VolumeSpec {
  const size = differs.size ?? GiB;
  return {
    ...where.place,
    name: differs.image,
    size,
    range: { required: size, limit: 0n },
    source: { from: 'nothing' },
    layout: {
      dataPool: '',
      objectSize: 4n * MiB,
      stripeUnit: 0n,
      stripeCount: 0n,
      features: ['layering', 'exclusive-lock', 'object-map', 'fast-diff', 'deep-flatten'],
    },
    flatten: false,
    mutable: { deleteRetention: 0, maxCloneDepth: 5, qos: {} },
    labels: {},
    key: '',
    ...differs,
  };
}

export function anImage(place: Place, image: string): ImageRef {
  return { pool: place.pool, namespace: place.namespace, image };
}

export function aSnapshot(volume: ImageRef, snapshot: string, differs: Partial<SnapshotSpec> = {}): SnapshotSpec {
  return { ...anImage(volume, volume.image), snapshot, name: snapshot, labels: {}, ...differs };
}

export function aGroup(where: Where, group: string, sources: readonly ImageRef[]): GroupSnapshotSpec {
  const refs = sources.map((source) => anImage(source, source.image));
  return { ...where.place, name: group, group, sources: refs, labels: {} };
}
