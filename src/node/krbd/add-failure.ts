/** What the kernel means when it refuses to map an image. */
import { release } from 'node:os';
import { Failure, type FailureKind } from '#lib/failure';
import { LIMITS } from '../limits.ts';
import { run } from '../run.ts';
import { errnoOfText } from '../strerror.ts';

const MEANINGS: Readonly<Record<string, readonly [FailureKind, string, string]>> = {
  ENOENT: ['not-found', 'IMAGE_NOT_FOUND', 'there is no such pool, image or snapshot'],
  EPERM: ['denied', 'IMAGE_DENIED', 'Ceph refuses the user, its key, or that it opens the image'],
  EACCES: ['unauthenticated', 'KEY_REFUSED', 'Ceph refuses the user or its key'],
  ESHUTDOWN: ['unfinished', 'CLIENT_CUT_OFF', "Ceph has cut this node's client off"],
  ETIMEDOUT: ['unreachable', 'CLUSTER_UNREACHABLE', 'no monitor answered'],
  EROFS: ['precondition', 'IMAGE_READ_ONLY', 'the image is not primary at this site, or a snapshot'],
  EINVAL: ['precondition', 'MAP_REFUSED', "this node's kernel refuses the image or an option; its log (dmesg) says which"],
};

/** The bits of an image's features, lowest first. */
const FEATURES = [
  ...['layering', 'striping', 'exclusive-lock', 'object-map', 'fast-diff', 'deep-flatten', 'journaling', 'data-pool'],
  ...['operations', 'migrating', 'non-primary', 'dirty-cache'],
];

/** What the kernel has room for: 510 snapshots. It throws a longer answer away, and waits for ever for another one. */
const TOO_MANY_SNAPSHOTS = /\[ *([0-9.]+)\] libceph: get_reply .* > preallocated 4092, skipping/g;

/** For a program that the kernel let wait, since that second after the boot. Undefined where the kernel does not say why. */
export async function waitFailure(since: number): Promise<Failure | undefined> {
  const times = [...(await kernelLog()).matchAll(TOO_MANY_SNAPSHOTS)].map(([, time]) => Number(time));
  if (!times.some((time) => time >= since)) return undefined;
  const message = 'the image has more snapshots than the kernel can hold (510), those in its trash included';
  return new Failure('precondition', 'SNAPSHOTS_BEYOND_KERNEL', message);
}

/** `complaint` is what the program said that wrote to sysfs. */
export async function addFailure(complaint: string, user: string): Promise<Failure> {
  const errno = errnoOfText(complaint);
  if (errno === 'ENXIO') return await featureFailure();
  const [kind, reason, what] = MEANINGS[errno] ?? ['unfinished', 'MAP_FAILED', 'the kernel did not map the image'];
  return new Failure(kind, reason, `client.${user}: ${what} (${complaint})`);
}

async function featureFailure(): Promise<Failure> {
  const names = featureNames(await unsupportedMask());
  if (names.includes('non-primary')) {
    return new Failure('precondition', 'IMAGE_READ_ONLY', 'the image is not primary at this site');
  }
  const what = names.length > 0 ? `image feature ${names.join(', ')}` : 'a feature of the image';
  return new Failure('precondition', 'FEATURE_UNSUPPORTED', `the kernel of this node (${release()}) does not have the ${what}`);
}

/** The kernel says which features only in its log; 0 when it cannot be read. */
async function unsupportedMask(): Promise<bigint> {
  const [, mask = '0'] = [...(await kernelLog()).matchAll(/unsupported features: (0x[0-9a-f]+)/g)].at(-1) ?? [];
  return BigInt(mask);
}

async function kernelLog(): Promise<string> {
  try {
    return (await run('dmesg', ['--kernel'], { limit: LIMITS.look, keep: 2 ** 22 })).stdout.toString('utf8');
  } catch {
    return '';
  }
}

export function featureNames(mask: bigint): readonly string[] {
  const bits = mask.toString(2).split('').reverse();
  return bits.flatMap((bit, index) => (bit === '1' ? [FEATURES[index] ?? `number ${index}`] : []));
}
