/** A volume at a path that a caller names: its staging path or one of its targets. */
import { Failure } from '#lib/failure';
import { formatVolume, type VolumeHandle } from '#lib/handle';
import { numberAt } from './device-node.ts';
import { findStaged, type NodeHost, type Staged } from './host.ts';
import type { Device } from './mapper.ts';
import { findMount } from './mounts.ts';
import { checkPath } from './paths.ts';

export interface VolumeAt {
  readonly volume: VolumeHandle;
  readonly path: string;
}

export interface Located {
  readonly staged: Staged;
  readonly device: Device;
  readonly path: string;
  /** The type of the file system that is mounted at the path, '' for a block volume. */
  readonly fsType: string;
}

/** Throws `not-found` unless the volume is staged here and is what lies at the path. */
export async function getVolumeAt(host: NodeHost, at: VolumeAt): Promise<Located> {
  if (!at.path.startsWith('/')) throw notAt(at); // CSI's own checks ask for this code.
  const path = checkPath('volume_path', at.path);
  const staged = await findStaged(host, at.volume);
  if (staged === undefined || staged.mapped.state === 'none') {
    throw new Failure('not-found', 'NOT_ON_THIS_NODE', `the volume ${formatVolume(at.volume)} is not staged on this node`);
  }
  const { device } = staged.mapped;
  const mount = await findMount(path);
  if (mount?.device === device.number) return { staged, device, path, fsType: mount.type };
  if (
    staged.stash.access === 'block' &&
    (path === staged.stash.stagingPath || (mount && (await numberAt(path)) === device.number))
  ) {
    return { staged, device, path, fsType: '' };
  }
  throw notAt(at);
}

function notAt({ volume, path }: VolumeAt): Failure {
  return new Failure('not-found', 'NOT_AT_PATH', `the volume ${formatVolume(volume)} is not at ${path}`);
}
