/**
 * A CephX key in the kernel's keyring, for as long as an image is being mapped: the kernel's client copies it. So it is in no
 * argument, in no file, and not in what the kernel shows of the device.
 */
import { Failure } from '#lib/failure';
import { LIMITS } from '../limits.ts';
import { run } from '../run.ts';

const PROGRAM = 'keyctl';
const TYPE = 'ceph';
/** Of the user that we are: whoever runs a program of ours can find what is in it, in whatever container. */
const KEYRING = '@u';

/** What this host lacks, or `undefined`. */
export async function missingForKeys(): Promise<string | undefined> {
  try {
    await run(PROGRAM, ['--version'], { limit: LIMITS.look });
    return undefined;
  } catch {
    return PROGRAM;
  }
}

/** Runs `work` while the key is there under that name; it is gone afterwards. */
export async function withKernelKey<T>(name: string, key: string, work: () => Promise<T>): Promise<T> {
  if (!/^[A-Za-z0-9+/]+=*$/.test(key)) throw new Failure('unauthenticated', 'KEY_INVALID', 'the CephX key is not base64');
  // A container may have a session keyring of its own, from which the user's is not found; without one this does nothing.
  await run(PROGRAM, ['link', KEYRING, '@s'], { limit: LIMITS.look });
  const input = Buffer.from(key, 'base64');
  try {
    await run(PROGRAM, ['padd', TYPE, name, KEYRING], { limit: LIMITS.look, input });
    return await work();
  } finally {
    input.fill(0);
    await dropKernelKey(name);
  }
}

/** Takes away the key of that name, or finds it gone. */
export async function dropKernelKey(name: string): Promise<void> {
  const { exit, stdout } = await run(PROGRAM, ['search', KEYRING, TYPE, name], { limit: LIMITS.look, accept: [0, 1] });
  if (exit !== 0) return;
  await run(PROGRAM, ['unlink', stdout.toString('utf8').trim(), KEYRING], { limit: LIMITS.look, accept: [0, 1] });
}
