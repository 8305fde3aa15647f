/** Mounting and unmounting, each bounded in time and each looked at before and after. */
import { Failure } from '#lib/failure';
import { LIMITS } from './limits.ts';
import type { Device } from './mapper.ts';
import { type Mount, mountAt, readMounts } from './mount-table.ts';
import { run } from './run.ts';

export interface DeviceMount {
  readonly device: string;
  readonly type: string;
  readonly path: string;
  readonly options: readonly string[];
}

export async function mountDevice({ device, type, path, options }: DeviceMount): Promise<void> {
  const given = options.length > 0 ? ['-o', options.join(',')] : [];
  await run('mount', ['--internal-only', '-t', type, ...given, '--', device, path], { limit: LIMITS.mount });
}

/** Makes what is at `from` appear at `to`. */
export async function bindMount(from: string, to: string): Promise<void> {
  await run('mount', ['--internal-only', '--bind', '--', from, to], { limit: LIMITS.mount });
}

/** Of this mount alone: the others of the same file system stay as they are. */
export async function makeMountReadonly(path: string): Promise<void> {
  await run('mount', ['--internal-only', '-o', 'remount,bind,ro', '--', path], { limit: LIMITS.mount });
}

export async function findMount(path: string): Promise<Mount | undefined> {
  return mountAt(await readMounts(), path);
}

/** What is mounted at the path when it is a file system on the device. Something else there is `precondition`. */
export async function findMountOf(device: Device | undefined, path: string): Promise<Mount | undefined> {
  const mount = await findMount(path);
  if (mount === undefined || mount.device === device?.number) return mount;
  throw new Failure('precondition', 'PATH_TAKEN', `something else is mounted at ${path}: ${mount.source}`);
}

/**
 * Takes away everything that is mounted at the path. The kernel may go on writing out after the mount is gone from the
 * table: who needs to know that it has, asks whether the device can be detached.
 */
export async function unmountAll(path: string): Promise<void> {
  for (let left = 16; (await findMount(path)) !== undefined; left--) {
    if (left === 0) throw new Failure('unfinished', 'STILL_MOUNTED', `${path} is mounted again and again`);
    const { exit, stderr } = await run('umount', ['--no-canonicalize', path], { limit: LIMITS.unmount, accept: [0, 1, 32] });
    if (exit !== 0 && (await findMount(path)) !== undefined) {
      throw new Failure('unfinished', 'MOUNT_BUSY', `${path} cannot be unmounted yet: ${stderr}`);
    }
  }
}
