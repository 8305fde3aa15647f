import type { Layout, Mutable } from '#rbd';
import { DEFAULT_FEATURES } from './features.ts';
import type { ReadParameters } from './read-parameters.ts';
import type { ParameterValues } from './table.ts';
import { refused } from './values.ts';

const OBJECT_SIZE = 4n * 2n ** 20n;
const CLONE_DEPTH = 5;

/** The layout of an image. Throws `invalid` where two parameters do not go together. */
export function layoutOf(values: ParameterValues, dataPool: string): Layout {
  const objectSize = values.objectSize ?? OBJECT_SIZE;
  const striping = stripingOf(values, objectSize);
  return { dataPool, objectSize, ...striping, features: values.features ?? DEFAULT_FEATURES };
}

function stripingOf({ stripeUnit, stripeCount }: ParameterValues, objectSize: bigint): { stripeUnit: bigint; stripeCount: bigint } {
  if (stripeUnit === undefined && stripeCount === undefined) return { stripeUnit: 0n, stripeCount: 0n };
  if (stripeUnit === undefined) throw refused('stripeCount', 'is given without stripeUnit');
  if (stripeCount === undefined) throw refused('stripeUnit', 'is given without stripeCount');
  if (stripeUnit < 512n || objectSize % stripeUnit !== 0n) {
    throw refused('stripeUnit', `does not divide the object size, ${objectSize}`);
  }
  return { stripeUnit, stripeCount: BigInt(stripeCount) };
}

/** What a volume starts with: what its attributes class says, else its storage class, else the default. */
export function mutableOf(storage: ReadParameters, attributes: Omit<ReadParameters, 'labels'>): Mutable {
  const { deleteRetention = 0, maxCloneDepth = CLONE_DEPTH } = { ...storage.values, ...attributes.values };
  return { deleteRetention, maxCloneDepth, qos: { ...storage.qos, ...attributes.qos } };
}

/** Only what is given, for a change of a volume that is there. */
export function changesOf({ values, qos }: Omit<ReadParameters, 'labels'>): Partial<Mutable> {
  const { deleteRetention, maxCloneDepth } = values;
  return {
    ...(deleteRetention === undefined ? {} : { deleteRetention }),
    ...(maxCloneDepth === undefined ? {} : { maxCloneDepth }),
    ...(Object.keys(qos).length === 0 ? {} : { qos }),
  };
}
