import { Failure } from '#lib/failure';
import type { Topology, TopologyRequirement } from '../generated/messages.ts';
import type { TopologyPool } from '../parameters/topology-pools.ts';

/** Pools by topology of one cluster, as the role was told them. */
export interface ClusterTopology extends TopologyPool {
  readonly cluster: string;
}

/** The wishes in their order: what is preferred first, then what is allowed. */
function wishes(requirement: TopologyRequirement | null): readonly Topology[] {
  return requirement === null ? [] : [...requirement.preferred, ...requirement.requisite];
}

/** The first pool that the first wish can reach; throws `exhausted` when no wish reaches any. */
export function choosePool(pools: readonly TopologyPool[], requirement: TopologyRequirement | null): TopologyPool | undefined {
  const wanted = wishes(requirement);
  if (wanted.length === 0) return pools[0];
  for (const topology of wanted) {
    const found = pools.find((pool) => reaches(topology, pool));
    if (found !== undefined) return found;
  }
  throw impossible(`any of the pools ${pools.map(({ pool }) => pool).join(', ')}`);
}

/** Throws `exhausted` when what lies in these pools can be reached from none of the wanted places. */
export function checkReach(pools: readonly TopologyPool[], requirement: TopologyRequirement | null): void {
  const wanted = wishes(requirement);
  if (pools.length === 0 || wanted.length === 0) return;
  if (!wanted.some((topology) => pools.some((pool) => reaches(topology, pool)))) throw impossible('the pool of the source');
}

/** True when one of the wanted places reaches the pool, or none is asked for. */
export function isReached(pool: TopologyPool, requirement: TopologyRequirement | null): boolean {
  const wanted = wishes(requirement);
  return wanted.length === 0 || wanted.some((topology) => reaches(topology, pool));
}

/** True for a node of this topology, which carries all segments of the pool. */
export function reaches({ segments }: Topology, pool: TopologyPool): boolean {
  return Object.entries(pool.segments).every(([label, value]) => segments[label] === value);
}

export function asTopology(pools: readonly TopologyPool[]): Topology[] {
  return pools.map(({ segments }) => ({ segments: { ...segments } }));
}

function impossible(what: string): Failure {
  return new Failure('exhausted', 'TOPOLOGY_IMPOSSIBLE', `accessibility_requirements: from there ${what} cannot be reached`);
}
