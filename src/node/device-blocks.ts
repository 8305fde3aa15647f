/** Reading and writing a device's first and last blocks, by a program that can be left behind when the device hangs. */
import { Failure } from '#lib/failure';
import { LIMITS } from './limits.ts';
import type { Device } from './mapper.ts';
import { run } from './run.ts';
import { runLocked } from './run-locked.ts';

export const MIB = 1024 * 1024;

/** That MiB of the device, or what there is of it. A device that cannot be read is an error. */
export async function readMib(device: Device, index: bigint, how: 'cached' | 'direct' = 'cached'): Promise<Buffer> {
  const skip = index < 0n ? 0n : index;
  const direct = how === 'direct' ? ['iflag=direct'] : [];
  const args = [`if=${device.path}`, `bs=${MIB}`, 'count=1', `skip=${skip}`, ...direct, 'status=none'];
  const { stdout } = await run('dd', args, { limit: LIMITS.read, keep: MIB });
  const left = device.size - skip * BigInt(MIB);
  const expected = left < BigInt(MIB) ? Number(left) : MIB;
  if (stdout.length < expected) throw new Failure('unfinished', 'DEVICE_SHORT', `${device.path} gave only ${stdout.length} bytes`);
  return stdout;
}

/** The last whole MiB. */
export function lastMib(device: Pick<Device, 'size'>): bigint {
  return device.size < BigInt(MIB) ? 0n : device.size / BigInt(MIB) - 1n;
}

/** Writes the bytes at that offset, a multiple of `unit`, and waits until they are there; holding a lock file, if there is one. */
export async function writeBytes(
  device: Device,
  bytes: Buffer,
  { offset, unit, lock }: { readonly offset: bigint; readonly unit: number; readonly lock?: string },
): Promise<void> {
  const where = [`bs=${unit}`, `seek=${offset / BigInt(unit)}`];
  const args = [`of=${device.path}`, ...where, 'iflag=fullblock', 'conv=notrunc,fsync', 'status=none'];
  const options = { limit: LIMITS.read, input: bytes };
  if (lock === undefined) await run('dd', args, options);
  else await runLocked(lock, ['dd', ...args], options);
}

export function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
