import { Failure } from '#lib/failure';
import type { SizeRange } from '#rbd';
import type { CapacityRange } from '../generated/messages.ts';
import { readBytes } from '../int64.ts';
import { missing } from '../refuse.ts';

const MiB = 2n ** 20n;
/** What a volume gets when nobody says how large. */
const DEFAULT_SIZE = 1024n * MiB;
/** An image of more bytes than this could be made and hardly ever removed again. */
const SIZE_MAX = 2n ** 60n;
/** The smallest step of a block device that every file system takes. */
const STEP = 4096n;

/** Throws `invalid` for negative numbers, `out-of-range` for a range that no image fits. */
export function readRange(field: string, range: CapacityRange | null): SizeRange {
  const required = readBytes(`${field}.required_bytes`, range?.requiredBytes ?? '0');
  const limit = readBytes(`${field}.limit_bytes`, range?.limitBytes ?? '0');
  if (limit !== 0n && required > limit) throw outOfRange(`${field}.required_bytes`, 'is more than the limit');
  if (required > SIZE_MAX) throw outOfRange(`${field}.required_bytes`, `is more than ${SIZE_MAX}`);
  if (limit !== 0n && limit < STEP) throw outOfRange(`${field}.limit_bytes`, `is less than ${STEP}`);
  return { required, limit };
}

/** The range of an expansion, which has to say at least one bound. */
export function readGivenRange(field: string, range: CapacityRange | null): SizeRange {
  const read = readRange(field, range);
  if (read.required === 0n && read.limit === 0n) throw missing(field);
  return read;
}

/** The size within the range that an empty image gets: whole MiB where that fits. */
export function sizeOfRange(field: string, { required, limit }: SizeRange): bigint {
  const wanted = required === 0n ? smaller(DEFAULT_SIZE, limit) : required;
  for (const step of [MiB, STEP]) {
    const size = required === 0n && limit !== 0n ? wanted - (wanted % step) : roundUp(wanted, step);
    if (size > 0n && (limit === 0n || size <= limit)) return size;
  }
  throw outOfRange(field, `leaves no size that is a multiple of ${STEP}`);
}

function smaller(size: bigint, limit: bigint): bigint {
  return limit !== 0n && limit < size ? limit : size;
}

function roundUp(size: bigint, step: bigint): bigint {
  return ((size + step - 1n) / step) * step;
}

function outOfRange(field: string, what: string): Failure {
  return new Failure('out-of-range', 'SIZE_OUT_OF_RANGE', `${field} ${what}`);
}
