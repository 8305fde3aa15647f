/** Block devices as sysfs shows them: reading that never waits for what is behind the device. */
import { readFile } from 'node:fs/promises';
import { isErrno } from './errno.ts';
import type { Device } from './mapper.ts';

/** Of sysfs' `size`, whatever the device's own sector is. */
const SECTOR = 512n;

/** The device of that name, without `/dev/`; undefined for one that is not there, or just going. */
export async function readBlockDevice(name: string): Promise<Device | undefined> {
  const [number, sectors, readonly] = await Promise.all(
    ['dev', 'size', 'ro'].map((file) => readAttribute(`/sys/block/${name}/${file}`)),
  );
  if (number === undefined || sectors === undefined) return undefined;
  return { path: `/dev/${name}`, number, readonly: readonly === '1', size: BigInt(sectors) * SECTOR };
}

/** Undefined for an attribute that is not there; one of a device that is detached while it is read answers ENXIO. */
export async function readAttribute(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trimEnd();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENXIO', 'ENODEV', 'EIO')) return undefined;
    throw error;
  }
}
