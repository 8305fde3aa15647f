/** What rbd-nbd means when it does not map an image: it says only `failed to map, status: (2) No such file or directory`. */
import { Failure, type FailureKind } from '#lib/failure';
import { errnoOfText } from '../strerror.ts';

const MEANINGS: Readonly<Record<string, readonly [FailureKind, string, string]>> = {
  ENOENT: ['not-found', 'IMAGE_NOT_FOUND', 'there is no such pool, image or snapshot'],
  EPERM: ['denied', 'IMAGE_DENIED', 'Ceph refuses the user, its key, or that it opens the image'],
  EACCES: ['unauthenticated', 'KEY_REFUSED', 'Ceph refuses the user or its key'],
  ETIMEDOUT: ['unreachable', 'CLUSTER_UNREACHABLE', 'Ceph did not answer'],
  EROFS: ['precondition', 'IMAGE_READ_ONLY', 'another client holds the lock of the image, or it is not primary at this site'],
  ENOSYS: ['precondition', 'FEATURE_UNSUPPORTED', 'librbd of this node does not have a feature of the image'],
};

export function nbdFailure(complaint: string, user: string): Failure {
  const words = complaint.replaceAll(/\p{Cc}/gu, ' ').slice(-400);
  const [, status = ''] = /status: \(\d+\) (.*)$/m.exec(complaint) ?? [];
  const [kind, reason, what] = MEANINGS[errnoOfText(status)] ?? ['unfinished', 'MAP_FAILED', 'rbd-nbd did not map the image'];
  return new Failure(kind, reason, `client.${user}: ${what} (${words})`);
}
