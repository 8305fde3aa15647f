import { PoolHealth } from './pool-health.ts';
import type { Site } from './site.ts';
import type { Page, VolumeHealth, VolumeHealthPage } from './specs.ts';
import { poolEntries } from './volume-health.ts';
import { formatPosition, parsePosition, walkVolumes } from './walk-volumes.ts';

/** The volumes whose pools have something wrong; locks are looked at by `volumeHealth` alone, for that opens the image. */
export async function listVolumeHealth(site: Site, page: Page): Promise<VolumeHealthPage> {
  const health = await PoolHealth.read(site);
  const unhealthy: VolumeHealth[] = [];
  let last = '';
  for await (const seen of walkVolumes(site, parsePosition(page.after), page.max)) {
    if (seen.image !== seen.record.name) continue;
    const entries = await poolEntries(site, seen, health);
    if (entries.length === 0) continue;
    if (page.max > 0 && unhealthy.length >= page.max) return { unhealthy, next: last };
    unhealthy.push({ pool: seen.io.pool, namespace: seen.io.namespace, image: seen.image, entries });
    last = formatPosition(seen);
  }
  return { unhealthy, next: '' };
}
