/**
 * Device-mapper devices of an encrypted volume, found by looking: they are holders of the device that the mapper made,
 * and their names begin with the volume's directory. Their UUID says that they are cryptsetup's.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isErrno } from './errno.ts';
import type { Device } from './mapper.ts';

const CRYPT = 'CRYPT-LUKS2-';
const SECTOR = 512n;

/** `volume` is what is mounted and published; `making` is there while the header is made, and never seen outside. */
export type Purpose = 'volume' | 'making';

export interface OpenedDevice extends Device {
  /** Device-mapper's name. */
  readonly name: string;
}

/** The device below is in the name, for two nodes on one kernel may have the same volume. */
export function openedName(dir: string, below: Device, purpose: Purpose): string {
  const name = `loligo-${basename(dir)}-${below.number.replace(':', '-')}`;
  return purpose === 'volume' ? name : `${name}-making`;
}

export async function findOpened(dir: string, below: Device, purpose: Purpose): Promise<OpenedDevice | undefined> {
  const wanted = openedName(dir, below, purpose);
  for (const holder of await holdersOf(below)) {
    const block = `/sys/class/block/${holder}`;
    const [name, uuid] = await Promise.all(['dm/name', 'dm/uuid'].map((file) => read(block, file)));
    if (name !== wanted || !uuid?.startsWith(CRYPT)) continue;
    const [number, size, readonly] = await Promise.all(['dev', 'size', 'ro'].map((file) => read(block, file)));
    if (number === undefined || size === undefined) continue; // it is just going
    return { name, path: `/dev/${holder}`, number, size: BigInt(size) * SECTOR, readonly: readonly === '1' };
  }
  return undefined;
}

async function holdersOf(below: Device): Promise<readonly string[]> {
  try {
    return await readdir(`/sys/dev/block/${below.number}/holders`);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

async function read(block: string, file: string): Promise<string | undefined> {
  try {
    return (await readFile(join(block, file), 'utf8')).trim();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return undefined;
    throw error;
  }
}
