import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { openToChange } from './change-image.ts';
import { getVolumeImage } from './look.ts';
import { checkObjectCount } from './object-count.ts';
import { checkPrimary } from './primary.ts';
import { headerOf } from './record.ts';
import type { Site } from './site.ts';
import type { ImageRef, SizeRange } from './specs.ts';

/** What sizes are rounded up to, as those of new volumes are: the smaller one where the limit leaves no room for the other. */
const STEPS = [2n ** 20n, 4096n];

/** Grows a volume; done also when it is as large already. The record keeps the size that CreateVolume asked for. */
export async function expandVolume(
  site: Site,
  { volume: ref, range }: { readonly volume: ImageRef; readonly range: SizeRange },
): Promise<{ readonly size: bigint }> {
  const { io, header, image, record } = await getVolumeImage(site, ref);
  const before = headerOf(record);
  const size = sizeAfter(ref, header.size - before, range);
  if (size + before === header.size) return { size };
  checkObjectCount(size + before, { objectSize: 1n << BigInt(header.order), features: header.features });
  checkPrimary(site, ref, header);
  await using open = await openToChange(io, header, image);
  await open.grow(size + before);
  return { size };
}

function sizeAfter(ref: ImageRef, now: bigint, { required, limit }: SizeRange): bigint {
  const sizes = required <= now ? [now] : STEPS.map((step) => ((required + step - 1n) / step) * step);
  const size = sizes.find((one) => limit === 0n || one <= limit);
  if (size !== undefined) return size;
  const least = sizes.at(-1);
  throw new Failure(
    'out-of-range',
    'SIZE_OVER_LIMIT',
    `${formatImage(ref)} would have ${least} bytes, more than the limit of ${limit}`,
  );
}
