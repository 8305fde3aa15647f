import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';

/** LIBRADOS_LOCK_FLAG_MAY_RENEW: who holds it already holds it for longer. */
const MAY_RENEW = 1;

export interface ObjectLock {
  readonly object: string;
  readonly name: string;
  /** Tells holders of one connection apart. */
  readonly cookie: string;
}

/**
 * Takes a lock on an object, or holds it for longer; false while another holds it. It ends by itself after so many
 * seconds.
 *
 * Implements:
 *   int rados_lock_exclusive(rados_ioctx_t io, const char *oid, const char *name, const char *cookie, const char *desc, struct timeval *duration, uint8_t flags);
 */
export async function holdLock(io: IoContext, { object, name, cookie }: ObjectLock, seconds: number): Promise<boolean> {
  const duration = Buffer.alloc(16);
  duration.writeBigInt64LE(BigInt(Math.ceil(seconds)));
  try {
    await io.native.call('rados_lock_exclusive', io.pointer, object, name, cookie, '', duration, MAY_RENEW);
    return true;
  } catch (error) {
    if (isErrno(error, 'EBUSY')) return false;
    throw error;
  }
}

/**
 * Done also when it has ended already.
 *
 * Implements:
 *   int rados_unlock(rados_ioctx_t io, const char *oid, const char *name, const char *cookie);
 */
export async function releaseLock(io: IoContext, { object, name, cookie }: ObjectLock): Promise<void> {
  try {
    await io.native.call('rados_unlock', io.pointer, object, name, cookie);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}
