/** What is left in a pool once everything that Loligo made was deleted again; see place-leftovers.ts. */
import type { Bed } from './engine-bed.ts';
import type { TestPool } from './micro-ceph.ts';
import { leftoversIn } from './place-leftovers.ts';

/** Reaps until nothing is purged any more, and names what the reaper cannot deal with, every object and every key. */
export async function leftovers(pool: TestPool, bed: Bed): Promise<string[]> {
  let reaped = await bed.engine.reap(pool.place);
  while (reaped.purged > 0) reaped = await bed.engine.reap(pool.place);
  const failed = reaped.failed.map(({ image, reason }) => `not reaped: ${image}: ${reason}`);
  return [...failed, ...(await leftoversIn(pool))];
}
