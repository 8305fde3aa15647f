/** NodeGetVolumeHealth and NodeGetStorageHealth: only what is wrong is told. */
import { connect } from 'node:net';
import type { VolumeHandle } from '#lib/handle';
import { tryReading } from './cut-off.ts';
import { findStaged, type NodeHost, type Staged } from './host.ts';
import { LIMITS } from './limits.ts';
import type { Device } from './mapper.ts';
import { type Address, monitorAddresses } from './monitors.ts';
import { findMount } from './mounts.ts';

export interface NodeHealthEntry {
  readonly status: 'degraded' | 'inaccessible';
  /** CamelCase, stable. */
  readonly reason: string;
  readonly message: string;
}

/** `undefined` when the volume is not on this node. */
export async function volumeHealth(host: NodeHost, volume: VolumeHandle): Promise<readonly NodeHealthEntry[] | undefined> {
  const staged = await findStaged(host, volume);
  if (staged === undefined) return undefined;
  const { mapped } = staged;
  if (mapped.state === 'none') return [entry('inaccessible', 'NotMapped', 'the volume is staged and has no device')];
  if (mapped.state === 'dead') return [entry('inaccessible', 'MapperEnded', mapped.why)];
  return [...(await deviceHealth(mapped.device)), ...(await mountHealth(staged, mapped.device))];
}

async function deviceHealth(device: Device): Promise<readonly NodeHealthEntry[]> {
  const reading = await tryReading(device);
  if (reading === 'works') return [];
  if (reading === 'silent') {
    return [entry('inaccessible', 'DeviceUnreadable', `${device.path} cannot be read, or not in ${LIMITS.stats} ms`)];
  }
  const message = `${device.path} gives errors: Ceph may have cut this node off; a pod that is made anew gets a new connection`;
  return [entry('inaccessible', 'DeviceFailing', message)];
}

async function mountHealth({ stash }: Staged, device: Device): Promise<readonly NodeHealthEntry[]> {
  if (stash.access === 'block') return [];
  const mount = await findMount(stash.stagingPath);
  if (mount?.device !== device.number) return [entry('inaccessible', 'NotMounted', `nothing is mounted at ${stash.stagingPath}`)];
  if (!mount.superReadonly || stash.readonly) return [];
  return [entry('degraded', 'FilesystemReadOnly', 'the kernel has turned the file system read-only, or it was mounted so')];
}

/** True when any monitor of the list takes a connection. */
export async function isReachable(monitors: readonly string[]): Promise<boolean> {
  const spoken = await Promise.all(monitorAddresses(monitors).map(speaks));
  return spoken.some(Boolean);
}

function speaks({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket.setTimeout(LIMITS.stats, () => finish(false));
    socket.once('error', () => finish(false));
    // A monitor speaks first: a stopped one still accepts, and says nothing.
    socket.once('data', () => finish(true));
  });
}

function entry(status: NodeHealthEntry['status'], reason: string, message: string): NodeHealthEntry {
  return { status, reason, message };
}
