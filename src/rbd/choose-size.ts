import { Failure } from '#lib/failure';
import { headerFor } from './record.ts';
import type { VolumeSpec } from './specs.ts';

/**
 * Bytes to make the image of; `sourceImage` are those of the image to copy, 0 for none. Throws `out-of-range` when the
 * source does not fit below the limit.
 */
export function chooseSize(want: Pick<VolumeSpec, 'size' | 'range' | 'key'>, sourceImage: bigint): bigint {
  const header = headerFor(want);
  const sourceSize = sourceImage === 0n ? 0n : sourceImage - header;
  const wanted = sourceSize === 0n || want.range.required > 0n ? want.size : sourceSize;
  const size = wanted > sourceSize ? wanted : sourceSize;
  if (want.range.limit > 0n && size > want.range.limit) {
    const message = `the source has ${sourceSize} bytes, and capacity_range.limit_bytes is ${want.range.limit}`;
    throw new Failure('out-of-range', 'SIZE_BELOW_SOURCE', message);
  }
  return size + header;
}
