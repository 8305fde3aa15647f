import { hasNamespace } from '#ceph';
import { Failure } from '#lib/failure';
import type { Place } from '#lib/handle';
import { readPoolStats } from './pool-stats.ts';
import { namespaceMissing, type Site } from './site.ts';
import type { Capacity } from './specs.ts';

/** What can still be written to the pool that holds the data: its room, or what its quota leaves when that is less. */
export async function capacity(site: Site, { dataPool, ...place }: Place & { readonly dataPool: string }): Promise<Capacity> {
  const holder = dataPool === '' ? place.pool : dataPool;
  const stats = (await readPoolStats(site)).get(holder);
  if (stats === undefined) {
    throw new Failure('precondition', 'POOL_MISSING', `cluster ${site.identity.cluster} has no pool ${holder}`);
  }
  if (!(await hasNamespace(await site.openAny(place)))) throw namespaceMissing(place);
  return { available: stats.available };
}
