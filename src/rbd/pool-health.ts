/**
 * What the monitors know of pools, put into a volume's words. Only what concerns a pool as a whole: full by quota or
 * disks, and placement groups that take no I/O. Which of a volume's objects lie in such a group is not looked up, so a
 * volume counts as inaccessible when any group of its pools is: on a pool of many groups that overstates.
 */
import { field, listField } from '#lib/json';
import { type PoolStats, readPoolStats } from './pool-stats.ts';
import type { Site } from './site.ts';
import type { HealthEntry } from './specs.ts';

export class PoolHealth {
  readonly #stats: ReadonlyMap<string, PoolStats>;
  /** Placement groups that are not active, by pool id. */
  readonly #inactive: ReadonlyMap<bigint, readonly string[]>;

  private constructor(stats: ReadonlyMap<string, PoolStats>, inactive: ReadonlyMap<bigint, readonly string[]>) {
    this.#stats = stats;
    this.#inactive = inactive;
  }

  /** Two monitor commands, whatever the number of pools. */
  static async read(site: Site): Promise<PoolHealth> {
    const health: unknown = JSON.parse(await site.cluster.monCommand({ prefix: 'health', detail: 'detail' }));
    return new PoolHealth(await readPoolStats(site), inactiveGroups(health));
  }

  /** Entries of a volume whose image lies in this pool, or its data. */
  entriesOf(pool: { readonly id: bigint; readonly name: string }): HealthEntry[] {
    const stats = this.#stats.get(pool.name);
    if (stats === undefined) return [{ status: 'inaccessible', reason: 'PoolMissing', message: `pool ${pool.name} is gone` }];
    const entries: HealthEntry[] = [];
    if (stats.full) {
      entries.push({ status: 'degraded', reason: 'PoolFull', message: `pool ${pool.name} is full or at its quota: writes fail` });
    }
    const groups = this.#inactive.get(pool.id) ?? [];
    if (groups.length > 0) {
      const message = `placement groups of pool ${pool.name} take no I/O: ${groups.slice(0, 8).join(', ')}`;
      entries.push({ status: 'inaccessible', reason: 'PlacementGroupsInactive', message });
    }
    return entries;
  }
}

/** From the check PG_AVAILABILITY, whose details begin with the group's id: `pg 3.1f is stuck …`. */
function inactiveGroups(health: unknown): Map<bigint, string[]> {
  const groups = new Map<bigint, string[]>();
  for (const line of listField(field(field(health, 'checks'), 'PG_AVAILABILITY'), 'detail')) {
    const [, pool, seed] = /^pg (\d+)\.([0-9a-f]+) /.exec(String(field(line, 'message'))) ?? [];
    if (pool === undefined || seed === undefined) continue;
    groups.set(BigInt(pool), [...(groups.get(BigInt(pool)) ?? []), `${pool}.${seed}`]);
  }
  return groups;
}
