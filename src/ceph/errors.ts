import { getSystemErrorName } from 'node:util';

/** What a C call of librados or librbd returned. What it means is the engine's business. */
export class CephError extends Error {
  override readonly name = 'CephError';
  readonly call: string;
  /** Positive; never a field `code`, which grpc-js would copy into the status that it sends. */
  readonly errno: number;

  constructor(call: string, errno: number) {
    super(`${call}: ${errnoName(errno)}`);
    this.call = call;
    this.errno = errno;
  }
}

const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  ENOSPC: 28,
  EROFS: 30,
  ERANGE: 34,
  ENOEXEC: 8,
  EOPNOTSUPP: 95,
  ENOTEMPTY: 39,
  ENOTCONN: 107,
  ESHUTDOWN: 108,
  ETIMEDOUT: 110,
  ESTALE: 116,
  EUCLEAN: 117,
  EDQUOT: 122,
  ECANCELED: 125,
} as const;

export type Errno = keyof typeof ERRNO;

export function isErrno(error: unknown, ...names: Errno[]): error is CephError {
  return error instanceof CephError && names.some((name) => ERRNO[name] === error.errno);
}

/** The OSD answers a comparison of content that failed by this and the offset behind it. */
const MISMATCH = 4095;

export function isMismatch(error: unknown): error is CephError {
  return error instanceof CephError && error.errno >= MISMATCH;
}

/** For what drops: gone already is what was asked for. */
export async function orGone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

export function errnoOf(name: Errno): number {
  return ERRNO[name];
}

/** Node knows the names of those errors only that libuv uses. */
function errnoName(errno: number): string {
  const [known] = Object.entries(ERRNO).find(([, value]) => value === errno) ?? [];
  if (known !== undefined) return known;
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}
