/**
 * What rbd-nbd means when it does not map an image. It says so in its log, in words and seldom with an errno, and nothing at all
 * of an image that it cannot open: that is for somebody else to look at.
 */
import { Failure, type FailureKind } from '#lib/failure';
import type { NbdOrder } from '../keeper/keeper.ts';
import { errnoOfText } from '../strerror.ts';

type Meaning = readonly [kind: FailureKind, reason: string, what: string];

/** Words of librados' log. */
const CONNECTING: readonly (readonly [RegExp, Meaning])[] = [
  [/authenticate timed out/, ['unreachable', 'CLUSTER_UNREACHABLE', 'no monitor answered']],
  [/handle_auth_bad_method|authentication error/, ['unauthenticated', 'KEY_REFUSED', 'Ceph refuses the user or its key']],
];

/** By the errno with which the lock of the image was not had. */
const LOCKING: Readonly<Record<string, Meaning>> = {
  EROFS: ['precondition', 'IMAGE_READ_ONLY', 'another client holds the lock of the image, or it is not primary at this site'],
  EINVAL: ['precondition', 'EXCLUSIVE_LOCK_NEEDED', 'a volume of one node needs an image with exclusive-lock'],
};

/** Undefined when it did not say why. */
export function readComplaint(complaint: string, { user }: Pick<NbdOrder, 'user'>): Failure | undefined {
  const [, lock = ''] = /failed to acquire exclusive lock: \(\d+\) (.*)$/m.exec(complaint) ?? [];
  const meaning = CONNECTING.find(([words]) => words.test(complaint))?.[1] ?? LOCKING[errnoOfText(lock)];
  return meaning && new Failure(meaning[0], meaning[1], `client.${user}: ${meaning[2]} (${lastWords(complaint)})`);
}

export function unexplained(complaint: string): Failure {
  return new Failure('unfinished', 'MAP_FAILED', `rbd-nbd did not map the image (${lastWords(complaint)})`);
}

function lastWords(complaint: string): string {
  return complaint.replaceAll(/\p{Cc}+/gu, ' ').slice(-300);
}
