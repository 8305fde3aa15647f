import { Failure } from '#lib/failure';
import { topologyPools } from '../parameters/topology-pools.ts';
import type { ClusterTopology } from './topology.ts';

/**
 * What the option `--topology` names: `{ "prod": [{ "pool": …, "dataPool": …, "segments": {…} }] }`; nothing when it is not
 * given.
 */
export function readTopology(file: unknown): ClusterTopology[] {
  if (file === undefined) return [];
  if (typeof file !== 'object' || file === null || Array.isArray(file)) {
    throw new Failure('invalid', 'OPTION_INVALID', '--topology: the file is not an object of clusters');
  }
  return Object.entries(file).flatMap(([cluster, pools]) =>
    topologyPools(`--topology: ${cluster}`, JSON.stringify(pools)).map((pool) => ({ cluster, ...pool })),
  );
}
