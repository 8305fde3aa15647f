import { Failure } from '#lib/failure';
import { field } from '#lib/json';
import type { Site } from './site.ts';

/**
 * Checks once per connection that a data pool is there and, when erasure-coded, allows overwrites: an image in one
 * that does not can be made, and fails at its first write.
 */
export async function checkDataPool(site: Site, pool: string): Promise<void> {
  if (pool === '' || site.checkedDataPools.has(pool)) return;
  await site.openAny({ pool, namespace: '' });
  const answer: unknown = JSON.parse(await site.cluster.monCommand({ prefix: 'osd pool get', pool, var: 'all' }));
  const erasureCoded = field(answer, 'erasure_code_profile') !== undefined;
  if (erasureCoded && field(answer, 'allow_ec_overwrites') !== true) {
    const message = `data pool ${pool} is erasure-coded without overwrites: ceph osd pool set ${pool} allow_ec_overwrites true`;
    throw new Failure('precondition', 'DATA_POOL_UNFIT', message);
  }
  site.checkedDataPools.add(pool);
}
