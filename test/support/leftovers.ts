/** What is in a pool once everything that Loligo made was deleted again: nothing but its own empty bookkeeping. */
import type { Bed } from './engine-bed.ts';
import type { TestPool } from './micro-ceph.ts';

const BOOKKEEPING = /^(loligo\.(snapshots\.\d+|work|published)|rbd_(directory|trash|group_directory|children|info|mirroring))$/;

/** Reaps until nothing is purged any more, and names every object and every key that should not be there. */
export async function leftovers(pool: TestPool, bed: Bed): Promise<string[]> {
  let reaped = await bed.engine.reap(pool.place);
  while (reaped.purged > 0) reaped = await bed.engine.reap(pool.place);
  const found = reaped.failed.map(({ image, reason }) => `not reaped: ${image}: ${reason}`);
  for (const object of await pool.objects()) {
    if (object === 'loligo.pool') continue;
    if (!BOOKKEEPING.test(object)) found.push(object);
    else found.push(...(await keysOf(pool, object)).map((key) => `${object}: ${key}`));
  }
  return found;
}

async function keysOf(pool: TestPool, object: string): Promise<string[]> {
  const keys = (await pool.rados('listomapkeys', object)).split('\n');
  return keys.filter((key) => key !== '' && key !== 'state');
}
