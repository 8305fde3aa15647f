import type { Site } from './site.ts';

/** Asks the monitors for the newest map: one round trip that needs a quorum, a good key and no pool. */
export async function probe(site: Site): Promise<{ readonly fsid: string }> {
  await site.cluster.waitForLatestMap();
  return { fsid: await site.cluster.fsid() };
}
