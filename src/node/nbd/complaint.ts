/** What rbd-nbd means when it does not map an image: it says only `failed to map, status: (2) No such file or directory`. */
import { Failure, type FailureKind } from '#lib/failure';
import type { NbdOrder } from '../keeper/keeper.ts';
import { errnoOfText } from '../strerror.ts';

const MEANINGS: Readonly<Record<string, readonly [FailureKind, string, string]>> = {
  ENOENT: ['not-found', 'IMAGE_NOT_FOUND', 'there is no such pool, image or snapshot'],
  EPERM: ['denied', 'IMAGE_DENIED', 'Ceph refuses the user, its key, or that it opens the image'],
  EACCES: ['unauthenticated', 'KEY_REFUSED', 'Ceph refuses the user or its key'],
  ETIMEDOUT: ['unreachable', 'CLUSTER_UNREACHABLE', 'Ceph did not answer'],
  EROFS: ['precondition', 'IMAGE_READ_ONLY', 'another client holds the lock of the image, or it is not primary at this site'],
  ENOSYS: ['precondition', 'FEATURE_UNSUPPORTED', 'librbd of this node does not have a feature of the image'],
};

export function nbdFailure(complaint: string, { user, exclusive }: Pick<NbdOrder, 'user' | 'exclusive'>): Failure {
  const words = complaint.replaceAll(/\p{Cc}/gu, ' ').slice(-400);
  const [, status = ''] = /status: \(\d+\) (.*)$/m.exec(complaint) ?? [];
  const errno = errnoOfText(status);
  if (errno === 'EINVAL' && exclusive) {
    const message = `the nbd mapper needs an image with exclusive-lock for a volume of one node (${words})`;
    return new Failure('precondition', 'EXCLUSIVE_LOCK_NEEDED', message);
  }
  const [kind, reason, what] = MEANINGS[errno] ?? ['unfinished', 'MAP_FAILED', 'rbd-nbd did not map the image'];
  return new Failure(kind, reason, `client.${user}: ${what} (${words})`);
}
