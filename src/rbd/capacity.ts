import { Failure } from '#lib/failure';
import type { Place } from '#lib/handle';
import { readPoolStats } from './pool-stats.ts';
import type { Site } from './site.ts';
import type { Capacity } from './specs.ts';

/** What can still be written to the pool that holds the data: its room, or what its quota leaves when that is less. */
export async function capacity(site: Site, { pool, dataPool }: Place & { readonly dataPool: string }): Promise<Capacity> {
  const holder = dataPool === '' ? pool : dataPool;
  const stats = (await readPoolStats(site)).get(holder);
  if (stats === undefined) {
    throw new Failure('precondition', 'POOL_MISSING', `cluster ${site.identity.cluster} has no pool ${holder}`);
  }
  return { available: stats.available };
}
