import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';

/** LIBRADOS_LOCK_FLAG_MUST_RENEW */
const MUST_RENEW = 2;

export interface ObjectLock {
  readonly object: string;
  /** At most some 90 characters: it becomes the name of an attribute. */
  readonly name: string;
  /** Tells holders of one connection apart. */
  readonly cookie: string;
}

/**
 * Takes a lock on an object, which ends by itself after so many seconds; false while another holds it.
 *
 * Implements:
 *   int rados_lock_exclusive(rados_ioctx_t io, const char *oid, const char *name, const char *cookie, const char *desc, struct timeval *duration, uint8_t flags);
 */
export async function takeLock(io: IoContext, lock: ObjectLock, seconds: number): Promise<boolean> {
  return await lockUnless(io, { ...lock, seconds, flags: 0 }, 'EBUSY');
}

/**
 * Puts off the end of a lock; false when it has ended already.
 *
 * Implements: as takeLock.
 */
export async function renewLock(io: IoContext, lock: ObjectLock, seconds: number): Promise<boolean> {
  return await lockUnless(io, { ...lock, seconds, flags: MUST_RENEW }, 'ENOENT', 'EBUSY');
}

async function lockUnless(
  io: IoContext,
  { object, name, cookie, seconds, flags }: ObjectLock & { readonly seconds: number; readonly flags: number },
  ...refusals: Parameters<typeof isErrno>[1][]
): Promise<boolean> {
  const duration = Buffer.alloc(16);
  duration.writeBigInt64LE(BigInt(seconds));
  try {
    await io.native.call('rados_lock_exclusive', io.pointer, object, name, cookie, '', duration, flags);
    return true;
  } catch (error) {
    if (isErrno(error, ...refusals)) return false;
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
