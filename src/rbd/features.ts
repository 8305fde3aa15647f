/** RBD_FEATURE_* of features.h. */
import { FEATURES, type Feature } from './specs.ts';

const BITS: Readonly<Record<Feature, bigint>> = {
  layering: 1n << 0n,
  striping: 1n << 1n,
  'exclusive-lock': 1n << 2n,
  'object-map': 1n << 3n,
  'fast-diff': 1n << 4n,
  'deep-flatten': 1n << 5n,
  journaling: 1n << 6n,
};

export const STRIPING = BITS.striping;
export const OBJECT_MAP = BITS['object-map'];
export const FAST_DIFF = BITS['fast-diff'];
export const JOURNALING = BITS.journaling;
/** Set while the image is in a group, has clones, or snapshots that wait for those. */
export const HAS_OPERATIONS = 1n << 8n;
export const NON_PRIMARY = 1n << 10n;

export function featureBits(features: readonly Feature[]): bigint {
  return features.reduce((bits, feature) => bits | BITS[feature], 0n);
}

/** The chosen features of an image, without those that librbd sets by itself (data-pool, operations, …). */
export function chosenFeatures(bits: bigint): Feature[] {
  return FEATURES.filter((feature) => (bits & BITS[feature]) !== 0n);
}
