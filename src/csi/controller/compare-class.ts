/** What classes say of a volume, against the volume that is there. What its image does not show is not compared. */
import type { Feature, VolumeShape } from '#rbd';
import type { ReadParameters } from '../parameters/read-parameters.ts';
import type { ParameterKey, ParameterValues } from '../parameters/table.ts';

export interface SeenVolume extends VolumeShape {
  readonly cluster: string;
}

export interface Compared {
  /** What was given and is so, as it was given. */
  readonly same: Readonly<Record<string, string>>;
  /** Keys of what was given and is otherwise. */
  readonly different: readonly string[];
}

type Given = Readonly<Record<string, string>>;
type IsSame = (values: ParameterValues, seen: SeenVolume) => boolean;

const SHOWN: Readonly<Partial<Record<ParameterKey, IsSame>>> = {
  cluster: ({ cluster }, seen) => cluster === seen.cluster,
  pool: ({ pool }, seen) => pool === seen.pool,
  namespace: ({ namespace }, seen) => namespace === seen.namespace,
  dataPool: ({ dataPool }, seen) => isIn(seen, dataPool),
  topologyPools: ({ topologyPools = [] }, seen) =>
    topologyPools.some(({ pool, dataPool }) => pool === seen.pool && isIn(seen, dataPool)),
  objectSize: ({ objectSize }, { layout }) => objectSize === layout.objectSize,
  stripeUnit: ({ stripeUnit }, { layout }) => stripeUnit === (layout.stripeCount === 0n ? layout.objectSize : layout.stripeUnit),
  stripeCount: ({ stripeCount }, { layout }) => BigInt(stripeCount ?? 0) === (layout.stripeCount === 0n ? 1n : layout.stripeCount),
  features: ({ features = [] }, { layout }) => told(features) === told(layout.features),
  encrypted: ({ encrypted }, { isEncrypted }) => encrypted === isEncrypted,
};

/** A storage class's; what may change later is no property of a volume that is there. */
export function compareParameters(given: Given, { values }: Pick<ReadParameters, 'values'>, seen: SeenVolume): Compared {
  const shown: Readonly<Partial<Record<string, IsSame>>> = SHOWN;
  return compare(given, (key) => shown[key]?.(values, seen));
}

/** An attributes class's: what stands on the volume now. */
export function compareMutable(given: Given, { values, qos }: Omit<ReadParameters, 'labels'>, { mutable }: SeenVolume): Compared {
  const { deleteRetention, maxCloneDepth } = values;
  return compare(given, (key) => {
    if (key === 'deleteRetention') return deleteRetention === mutable.deleteRetention;
    if (key === 'maxCloneDepth') return maxCloneDepth === mutable.maxCloneDepth;
    return qos[key] === undefined ? undefined : qos[key] === (mutable.qos[key] ?? '0');
  });
}

function compare(given: Given, isSame: (key: string) => boolean | undefined): Compared {
  const entries = Object.entries(given).map(([key, text]) => ({ key, text, is: isSame(key) }));
  return {
    same: Object.fromEntries(entries.filter(({ is }) => is === true).map(({ key, text }) => [key, text])),
    different: entries.filter(({ is }) => is === false).map(({ key }) => key),
  };
}

/** A data pool that is the pool itself is none. */
function isIn(seen: SeenVolume, dataPool = ''): boolean {
  return (dataPool === seen.pool ? '' : dataPool) === seen.dataPool;
}

/** Striping follows from the stripe, and mirroring switches journaling on. */
function told(features: readonly Feature[]): string {
  return features
    .filter((feature) => feature !== 'striping' && feature !== 'journaling')
    .toSorted()
    .join(',');
}
