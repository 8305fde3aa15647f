import { layoutOf } from './compare-volume.ts';
import { describeVolume } from './list-volumes.ts';
import { getVolumeImage } from './look.ts';
import { headerOf } from './record.ts';
import type { Site } from './site.ts';
import type { ImageRef, VolumeShape } from './specs.ts';

/** Two round trips; the image is not opened. */
export async function getVolume(site: Site, ref: ImageRef): Promise<VolumeShape> {
  const seen = await getVolumeImage(site, ref);
  const volume = await describeVolume(site, seen);
  return {
    ...volume,
    labels: seen.record.labels,
    layout: { dataPool: volume.dataPool, ...layoutOf(seen.header) },
    isEncrypted: headerOf(seen.record) > 0n,
  };
}
