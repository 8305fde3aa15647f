import type { ImageHeader } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { openToChange } from './change-image.ts';
import { getVolumeImage } from './look.ts';
import { checkObjectCount } from './object-count.ts';
import { checkPrimary } from './primary.ts';
import type { Site } from './site.ts';
import type { ImageRef, SizeRange } from './specs.ts';

/** What sizes are rounded up to: some kernels cannot use the rest of it. */
const UNIT = 2n ** 20n;

/** Grows a volume; done also when it is as large already. The record keeps the size that CreateVolume asked for. */
export async function expandVolume(
  site: Site,
  { volume: ref, range }: { readonly volume: ImageRef; readonly range: SizeRange },
): Promise<{ readonly size: bigint }> {
  const { io, header, image } = await getVolumeImage(site, ref);
  const size = sizeAfter(ref, header, range);
  if (size === header.size) return { size };
  checkObjectCount(size, { objectSize: 1n << BigInt(header.order), features: header.features });
  checkPrimary(site, ref, header);
  await using open = await openToChange(io, header, image);
  await open.grow(size);
  return { size };
}

function sizeAfter(ref: ImageRef, header: ImageHeader, { required, limit }: SizeRange): bigint {
  const rounded = ((required + UNIT - 1n) / UNIT) * UNIT;
  const size = required <= header.size ? header.size : rounded;
  if (limit === 0n || size <= limit) return size;
  throw new Failure(
    'out-of-range',
    'SIZE_OVER_LIMIT',
    `${formatImage(ref)} would have ${size} bytes, more than the limit of ${limit}`,
  );
}
