import { describeVolume } from './list-volumes.ts';
import { getVolumeImage } from './look.ts';
import type { Site } from './site.ts';
import type { ImageRef, Volume } from './specs.ts';

/** Two round trips; the image is not opened. */
export async function getVolume(site: Site, ref: ImageRef): Promise<Volume> {
  return await describeVolume(site, await getVolumeImage(site, ref));
}
