/** What an errno means where an operation has nothing more exact to say of it. */
import { CephError, isErrno } from '#ceph';
import { Failure } from '#lib/failure';

/** Turns what an operation threw into a Failure; `doing` says what was going on, with the image's name. */
export function explain(error: unknown, doing: string): unknown {
  // An image that could not be closed behind a failure: the failure is what counts.
  if (error instanceof SuppressedError) return explain(error.suppressed, doing);
  if (!(error instanceof CephError)) return error;
  const [kind, reason, advice] = meaningOf(error);
  return new Failure(kind, reason, `${doing}: ${advice} (${error.message})`, { cause: error });
}

type Meaning = readonly [kind: Failure['kind'], reason: string, advice: string];

function meaningOf(error: CephError): Meaning {
  if (isErrno(error, 'ETIMEDOUT')) return ['unreachable', 'CEPH_TIMEOUT', 'Ceph did not answer in time'];
  if (isErrno(error, 'ESHUTDOWN', 'ENOTCONN')) {
    return ['unreachable', 'CLIENT_BLOCKLISTED', 'Ceph has cut this client off; a new connection is made'];
  }
  if (isErrno(error, 'EACCES')) return ['unauthenticated', 'KEY_WRONG', 'Ceph refused the key; check the user and its key'];
  if (isErrno(error, 'EPERM')) {
    return ['denied', 'CAPABILITY_MISSING', "the user's capabilities do not allow it; it needs profile rbd for mon and the pool"];
  }
  if (isErrno(error, 'EDQUOT')) return ['exhausted', 'POOL_FULL', 'the quota of the pool is reached'];
  if (isErrno(error, 'ENOSPC')) return ['exhausted', 'POOL_FULL', 'the pool is full'];
  if (isErrno(error, 'EBUSY', 'EROFS')) return ['busy', 'IMAGE_BUSY', 'another client is at work on the image'];
  return ['unfinished', 'CEPH_ERROR', 'Ceph answered an error that nothing is known about here; see its logs'];
}
