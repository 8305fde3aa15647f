import { field, listField } from '#lib/json';
import type { Site } from './site.ts';

export interface PoolStats {
  /** Bytes that can still be written, quota and full disks considered. */
  readonly available: bigint;
  /** True when the pool takes no more writes: its quota is reached or there is no room. */
  readonly full: boolean;
}

/** Of all pools, by name, as the monitors have them: some seconds old. One monitor command. */
export async function readPoolStats(site: Site): Promise<Map<string, PoolStats>> {
  const answer: unknown = JSON.parse(await site.cluster.monCommand({ prefix: 'df', detail: 'detail' }));
  const pools = listField(answer, 'pools');
  return new Map(pools.map((pool) => [String(field(pool, 'name')), statsOf(field(pool, 'stats'))] as const));
}

/** Those of the pools that take no more writes; none where the monitors do not say so, or not yet. One monitor command. */
export async function fullPools(site: Site, pools: readonly string[]): Promise<readonly string[]> {
  const stats = await readPoolStats(site).catch(() => undefined);
  return pools.filter((pool) => stats?.get(pool)?.full);
}

function statsOf(stats: unknown): PoolStats {
  const [room, quota, stored] = ['max_avail', 'quota_bytes', 'stored'].map((name) => bytes(field(stats, name)));
  const [maxObjects, objects] = ['quota_objects', 'objects'].map((name) => bytes(field(stats, name)));
  const left = atLeastZero((quota ?? 0n) - (stored ?? 0n));
  const available = quota ? smaller(room ?? 0n, left) : (room ?? 0n);
  const outOfObjects = maxObjects !== undefined && maxObjects > 0n && (objects ?? 0n) >= maxObjects;
  return outOfObjects ? { available: 0n, full: true } : { available, full: available === 0n };
}

function bytes(value: unknown): bigint {
  return typeof value === 'number' && Number.isFinite(value) ? BigInt(Math.floor(value)) : 0n;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function atLeastZero(value: bigint): bigint {
  return value < 0n ? 0n : value;
}
