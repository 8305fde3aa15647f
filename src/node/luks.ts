/**
 * cryptsetup, as encrypted volumes use it. The data key is the passphrase of the one key slot, and goes to the program by
 * its standard input alone; it is random, so deriving a key from it may cost nothing (Argon2 would take the pod's memory).
 *
 * What makes a header or opens one holds a lock file of the volume meanwhile, also after the node role was killed: a header
 * that is still being written must not be opened. LUKS's own locks are files in /run, which a container need not have.
 */
import { Failure } from '#lib/failure';
import { LUKS_HEADER } from '#lib/luks';
import { LIMITS } from './limits.ts';
import type { Device } from './mapper.ts';
import { type Ran, run } from './run.ts';
import { runLocked } from './run-locked.ts';

const SECTOR = 512n;
const FORM = ['--cipher', 'aes-xts-plain64', '--key-size', '512', '--hash', 'sha256', '--sector-size', '4096'];
const DERIVATION = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000'];
const KEY = ['--key-file', '-'];
/** cryptsetup's own exit codes. */
const NO_SUCH_KEY = 2;

/** What this host lacks for encrypted volumes, or undefined. Has the kernel load dm-crypt where it can. */
export async function missingForLuks(): Promise<string | undefined> {
  const found = await runIfThere('cryptsetup', ['--version']);
  if (found === undefined) return 'cryptsetup';
  const target = await runIfThere('dmsetup', ['target-version', 'crypt']);
  if (target === undefined) return 'dmsetup';
  return target.exit === 0 ? undefined : "the kernel's dm-crypt";
}

async function runIfThere(program: string, args: readonly string[]): Promise<Ran | undefined> {
  try {
    return await run(program, args, { limit: LIMITS.look, accept: [0, 1] });
  } catch (error) {
    if (error instanceof Failure && error.reason === 'PROGRAM_MISSING') return undefined;
    throw error;
  }
}

export interface Locked {
  readonly key: Buffer;
  /** The volume's lock file; made when it is not there. */
  readonly lock: string;
}

/** Writes a header with one key slot over whatever is there. */
export async function formatLuks({ path }: Device, { key, lock }: Locked): Promise<void> {
  const where = ['--offset', String(LUKS_HEADER / SECTOR)];
  const args = ['luksFormat', '--type', 'luks2', '--batch-mode', '--disable-locks', ...FORM, ...DERIVATION, ...where, ...KEY];
  await runLocked(lock, ['cryptsetup', ...args, '--', path], { limit: LIMITS.mkfs, input: key });
}

/** Makes the device-mapper device. Throws `precondition` when the key is not the header's. */
export async function openLuks({ path, readonly }: Device, name: string, { key, lock }: Locked): Promise<void> {
  // Which blocks are in use shows in Ceph anyhow, and without discards nothing would ever be given back.
  const how = [...(readonly ? ['--readonly'] : []), '--allow-discards', '--disable-locks'];
  const args = ['open', '--type', 'luks2', ...how, ...KEY, '--', path, name];
  const { exit } = await runLocked(lock, ['cryptsetup', ...args], { limit: LIMITS.map, input: key, accept: [0, NO_SUCH_KEY] });
  if (exit === NO_SUCH_KEY) throw wrongKey(path);
}

/** Lets the device-mapper device cover what the device below has become. */
export async function resizeLuks(name: string, key: Buffer): Promise<void> {
  const args = ['resize', '--disable-locks', ...KEY, '--', name];
  const { exit } = await run('cryptsetup', args, { limit: LIMITS.map, input: key, accept: [0, NO_SUCH_KEY] });
  if (exit === NO_SUCH_KEY) throw wrongKey(name);
}

/**
 * Takes the device-mapper device away, if nobody holds it: whether it is gone, a look says. Not by cryptsetup, which would
 * read the header first, and wait for Ceph.
 */
export async function closeLuks(name: string): Promise<void> {
  await run('dmsetup', ['remove', '--retry', '--', name], { limit: LIMITS.unmount, accept: [0, 1] });
}

function wrongKey(what: string): Failure {
  const message = `the LUKS header on ${what} is not opened by the volume's key: the image holds other data than its metadata says`;
  return new Failure('precondition', 'LUKS_KEY_WRONG', message);
}
