/**
 * What an error of the daemon means. QMP carries no number, only a class (always GenericError) and a sentence that
 * ends in strerror's text, so a text is read here: the errno behind it, and whether it came while connecting. What is
 * not in the table stays `unfinished`.
 */
import { Failure, type FailureKind } from '#lib/failure';
import { errnoOfText } from '../strerror.ts';

const OPENING: Readonly<Record<string, readonly [FailureKind, string, string]>> = {
  ENOENT: ['not-found', 'IMAGE_NOT_FOUND', 'there is no such pool, image or snapshot'],
  EPERM: ['denied', 'IMAGE_DENIED', 'the user may not open the image'],
  EACCES: ['denied', 'IMAGE_DENIED', 'the user may not open the image'],
  ETIMEDOUT: ['unreachable', 'CLUSTER_UNREACHABLE', 'Ceph did not answer'],
  EROFS: ['precondition', 'IMAGE_READ_ONLY', 'the image is not primary at this site, or a snapshot'],
};

const CONNECTING: typeof OPENING = {
  EPERM: ['unauthenticated', 'KEY_REFUSED', 'Ceph refuses the user or its key'],
  EACCES: ['unauthenticated', 'KEY_REFUSED', 'Ceph refuses the user or its key'],
  ENOENT: ['unauthenticated', 'KEY_REFUSED', 'Ceph does not know the user'],
  ETIMEDOUT: ['unreachable', 'CLUSTER_UNREACHABLE', 'no monitor answered'],
};

/** `args` are the command's; the user among them is named, for whoever mends its key or capabilities. */
export function qmpFailure(command: string, error: unknown, args: Readonly<Record<string, unknown>>): Failure {
  const text = describe(error);
  const table = text.startsWith('error connecting') ? CONNECTING : OPENING;
  const meaning = command === 'blockdev-add' ? table[errnoOfText(text)] : undefined;
  if (meaning === undefined) return new Failure('unfinished', 'DAEMON_REFUSED', `${command}: ${text}`);
  const [kind, reason, what] = meaning;
  const who = typeof args['user'] === 'string' ? `client.${args['user']}: ` : '';
  return new Failure(kind, reason, `${who}${what} (${text})`);
}

function describe(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('desc' in error)) return 'no reason given';
  return String(error.desc)
    .replaceAll(/\p{Cc}/gu, ' ')
    .slice(0, 300);
}
