/**
 * Device-mapper devices of an encrypted volume, found by looking: they are holders of the device that the mapper made,
 * and their names begin with the volume's directory. Their UUID says that they are cryptsetup's.
 */
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { readAttribute, readBlockDevice } from './block-device.ts';
import { isErrno } from './errno.ts';
import type { Device } from './mapper.ts';

const CRYPT = 'CRYPT-LUKS2-';

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
    const [name, uuid] = await Promise.all(['name', 'uuid'].map((file) => readAttribute(`/sys/block/${holder}/dm/${file}`)));
    if (name !== wanted || !uuid?.startsWith(CRYPT)) continue;
    const device = await readBlockDevice(holder);
    if (device !== undefined) return { ...device, name };
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
