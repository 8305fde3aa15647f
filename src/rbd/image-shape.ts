import type { ImageOptions } from '#ceph';
import { featureBits } from './features.ts';
import type { VolumeSpec } from './specs.ts';

/** The layout of a volume in librbd's options. */
export function imageOptions(want: Pick<VolumeSpec, 'layout'>): ImageOptions {
  const { dataPool, objectSize, stripeUnit, stripeCount, features } = want.layout;
  return {
    features: featureBits(features),
    order: Math.log2(Number(objectSize)),
    ...(stripeCount === 0n ? {} : { stripeUnit, stripeCount }),
    ...(dataPool === '' ? {} : { dataPool }),
  };
}
