/** The kernel's network block devices as sysfs shows them: reading that never waits for what is behind them. */
import { access, readdir } from 'node:fs/promises';
import { release } from 'node:os';
import { readAttribute, readBlockDevice } from '../block-device.ts';
import type { Device } from '../mapper.ts';

const MODULE = '/sys/module/nbd';
/** The first kernel that keeps a device's cookie and shows it. */
const KERNEL = [5, 14] as const;

export function hasNbd(): Promise<boolean> {
  return access(MODULE).then(
    () => true,
    () => false,
  );
}

export function showsCookies(version = release()): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > KERNEL[0] || (major === KERNEL[0] && minor >= KERNEL[1]);
}

/** The devices that were connected with that cookie, also those that have lost their process; usually none or one. */
export async function findDevices(cookie: string): Promise<readonly Device[]> {
  const names = (await readdir('/sys/block')).filter((name) => name.startsWith('nbd'));
  const found = await Promise.all(
    names.map(async (name) => ((await cookieOf(name)) === cookie ? readBlockDevice(name) : undefined)),
  );
  return found.filter((device) => device !== undefined);
}

function cookieOf(name: string): Promise<string | undefined> {
  return readAttribute(`/sys/block/${name}/backend`);
}
