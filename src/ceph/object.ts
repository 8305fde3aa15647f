import { isErrno, orGone } from './errors.ts';
import type { IoContext } from './io-context.ts';

export interface ObjectStat {
  /** Bytes. */
  readonly size: bigint;
  /** Milliseconds since the epoch, to the second. */
  readonly changedAt: number;
}

/**
 * Implements:
 *   int rados_stat(rados_ioctx_t io, const char *o, uint64_t *psize, time_t *pmtime);
 */
export async function statObject(io: IoContext, object: string): Promise<ObjectStat | undefined> {
  const [size, time] = [Buffer.alloc(8), Buffer.alloc(8)];
  try {
    await io.native.call('rados_stat', io.pointer, object, size, time);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  return { size: size.readBigUInt64LE(), changedAt: Number(time.readBigInt64LE()) * 1000 };
}

/**
 * Removes an object, or finds it gone.
 *
 * Implements:
 *   int rados_remove(rados_ioctx_t io, const char *oid);
 */
export async function dropObject(io: IoContext, object: string): Promise<void> {
  await orGone(io.native.call('rados_remove', io.pointer, object));
}
