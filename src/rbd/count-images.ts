import { listDirectory } from '#ceph';
import { DELETED, type Place } from '#lib/handle';
import type { Site } from './site.ts';

const PAGE = 1024;

/**
 * How many images the place's directory has, without those that only live on for their snapshots. No image is looked at,
 * so this costs one round trip for a thousand, and what others made there counts too.
 */
export async function countImages(site: Site, place: Place): Promise<number> {
  const io = await site.open(place);
  let count = 0;
  for (let last: string | undefined = ''; last !== undefined; ) {
    const names: readonly string[] = [...(await listDirectory(io, last, PAGE)).keys()];
    count += names.filter((name) => !name.endsWith(DELETED)).length;
    last = names.length < PAGE ? undefined : names.at(-1);
  }
  return count;
}
