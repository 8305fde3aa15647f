/** Who has a device that is to be taken away, as far as this node can see it. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { Failure } from '#lib/failure';
import type { Device } from './mapper.ts';
import { readMounts } from './mount-table.ts';

/** Throws `unfinished` while the device is mounted: what was written may not have left this host yet. */
export async function refuseMounted(device: Device): Promise<void> {
  const paths = (await readMounts()).filter((mount) => mount.device === device.number).map((mount) => mount.path);
  if (paths.length > 0) throw held(device, `mounted at ${paths.join(', ')}`);
}

/** For a device that is not let go although it is not mounted here. `own` are processes that are to have it. */
export async function heldByOthers(device: Device, own: readonly number[] = []): Promise<Failure> {
  const holders = await holdersOf(device, own);
  return held(
    device,
    holders.length > 0 ? `held by ${holders.join(', ')}` : 'still open: written out to Ceph, or used by a program',
  );
}

/** Devices on it, and other processes of this PID namespace that have it open, in words. */
export async function holdersOf(device: Device, own: readonly number[] = []): Promise<readonly string[]> {
  return [...(await devicesOn(device)), ...(await processesWith(device, own))];
}

function held(device: Device, how: string): Failure {
  return new Failure('unfinished', 'DEVICE_HELD', `${device.path} is ${how}`);
}

/** Device mapper's, and others that lie on it. */
async function devicesOn(device: Device): Promise<readonly string[]> {
  const names = await readdir(`/sys/block/${device.path.slice('/dev/'.length)}/holders`).catch(() => []);
  return Promise.all(names.map(async (name) => (await textAt(`/sys/block/${name}/dm/name`)) ?? name));
}

async function processesWith(device: Device, own: readonly number[]): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && !own.includes(Number(name)));
  const found = await Promise.all(pids.map((pid) => describeIfOpen(pid, device.path)));
  return found.filter((process) => process !== undefined);
}

async function describeIfOpen(pid: string, path: string): Promise<string | undefined> {
  const open = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const fd of open) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    if (target === path) return `process ${pid} (${(await textAt(`/proc/${pid}/comm`)) ?? '?'})`;
  }
  return undefined;
}

async function textAt(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').then(
    (text) => text.trimEnd(),
    () => undefined,
  );
}
