import { getVolumeImage } from './look.ts';
import { changeRecord } from './record.ts';
import type { Site } from './site.ts';
import type { ImageRef, Mutable } from './specs.ts';

/** Changes what is given, limit by limit, and leaves the rest; all of it or nothing, in one step. Three round trips. */
export async function modifyVolume(
  site: Site,
  { volume, mutable }: { readonly volume: ImageRef; readonly mutable: Partial<Mutable> },
): Promise<void> {
  const { io, header, record } = await getVolumeImage(site, volume);
  const qos = { ...record.mutable.qos, ...mutable.qos };
  await changeRecord(io, header, record, { ...record.mutable, ...mutable, qos });
}
