import { Failure } from '#lib/failure';
import { OBJECT_MAP } from './features.ts';

/** MAX_OBJECT_MAP_OBJECT_COUNT of cls_rbd_types.h. */
const MOST = 256_000_000n;

/** Throws `out-of-range` for a size of which an object map could not hold all objects; Ceph says only EINVAL, once they are made. */
export function checkObjectCount(size: bigint, { objectSize, features }: { objectSize: bigint; features: bigint }): void {
  if ((features & OBJECT_MAP) === 0n || size <= MOST * objectSize) return;
  const most = `${MOST * objectSize} is the most for objects of ${objectSize} bytes, of which an object map holds ${MOST}`;
  throw new Failure('out-of-range', 'TOO_MANY_OBJECTS', `capacity_range: the volume would have ${size} bytes; ${most}`);
}
