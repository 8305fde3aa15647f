import { toVolume } from './compare-volume.ts';
import type { SeenVolume } from './look.ts';
import type { Site } from './site.ts';
import type { Page, Volume, VolumePage } from './specs.ts';
import { formatPosition, parsePosition, walkVolumes } from './walk-volumes.ts';

/** The volumes that this instance made. Two round trips for each, and none is opened. */
export async function listVolumes(site: Site, page: Page): Promise<VolumePage> {
  const volumes: Volume[] = [];
  let last = '';
  for await (const seen of walkVolumes(site, parsePosition(page.after), page.max)) {
    if (seen.image !== seen.record.name) continue; // it is deleted, and only its snapshots live on
    if (page.max > 0 && volumes.length >= page.max) return { volumes, next: last };
    volumes.push(await describeVolume(site, seen));
    last = formatPosition(seen);
  }
  return { volumes, next: '' };
}

export async function describeVolume(site: Site, { io, record, header }: SeenVolume): Promise<Volume> {
  return toVolume({ at: io, record, size: header.size, dataPool: await site.dataPoolOf(header) });
}
