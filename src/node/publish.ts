/** NodePublishVolume and NodeUnpublishVolume: what is staged appears at a target path, and goes from it again. */
import { Failure } from '#lib/failure';
import type { VolumeHandle } from '#lib/handle';
import type { Scope } from '#lib/scope';
import { isGivenUp } from './broken.ts';
import { numberAt, throughItsNode } from './device-node.ts';
import { anyDeviceOf, deviceOf, dirOf, findStaged, type NodeHost, type Staged } from './host.ts';
import type { Device } from './mapper.ts';
import { readMountOptions } from './mount-options.ts';
import type { Mount } from './mount-table.ts';
import { bindMount, findMount, findMountOf, makeMountReadonly, unmountAll } from './mounts.ts';
import { checkPath, dropMountPoint, ensureMountPoint } from './paths.ts';
import { restage, type StageSpec } from './stage.ts';
import { dropTarget, readTargets, type Target, writeTarget } from './stash.ts';

export interface PublishSpec {
  readonly volume: VolumeHandle;
  readonly stagingPath: string;
  readonly target: Target;
  /** The access mode lets one path at a time have the volume. */
  readonly single: boolean;
  /** How it would be staged, asked for only where it has to be made anew. */
  readonly stageSpec: () => StageSpec;
}

/** Repeatable; what gives only errors is made anew first. The answers to a second path or other arguments are the table in CSI's description of NodePublishVolume. */
export async function publish(host: NodeHost, spec: PublishSpec, scope: Scope): Promise<void> {
  const target = {
    ...spec.target,
    path: checkPath('target_path', spec.target.path),
    mountFlags: readMountOptions(spec.target.mountFlags),
  };
  const staged = await getStaged(host, spec);
  await refuseOthers(staged.dir, target, spec.single);
  const device = (await findWorking(staged, target)) ?? (await restage(host, { staged, spec: spec.stageSpec() }, scope));

  await writeTarget(staged.dir, target);
  if (target.access === 'block') await ensureNode(device, target.path);
  else await ensureBind(staged, device, target.path);
  if (target.readonly && (await findMount(target.path))?.readonly !== true) await makeMountReadonly(target.path);
  scope.log.info({ volume: staged.stash.handle, target: target.path }, 'volume is published');
}

/** Repeatable; takes away the mount and the empty directory or file below it, and never anything in it. */
export async function unpublish(
  host: NodeHost,
  { volume, target }: { volume: VolumeHandle; target: string },
  scope: Scope,
): Promise<void> {
  const path = checkPath('target_path', target);
  const dir = dirOf(host, volume);
  const mount = await findMount(path);
  if (mount !== undefined) {
    if (!(await isOurs(host, dir, mount))) {
      throw new Failure('precondition', 'TARGET_NOT_OURS', `${path} is a mount of something else: ${mount.source}`);
    }
    await unmountAll(path);
  }
  await dropMountPoint(path);
  await dropTarget(dir, path);
  scope.log.info({ target: path }, 'volume is unpublished');
}

/** Published by us, or at least a mount of the volume's device where the record was lost. */
async function isOurs(host: NodeHost, dir: string, mount: Mount): Promise<boolean> {
  if ((await readTargets(dir)).some((one) => one.path === mount.path)) return true;
  const device = await anyDeviceOf(host, dir);
  return device !== undefined && (mount.device === device.number || (await numberAt(mount.path)) === device.number);
}

async function getStaged(host: NodeHost, { volume, stagingPath, target }: PublishSpec): Promise<Staged> {
  const path = checkPath('staging_target_path', stagingPath);
  const staged = await findStaged(host, volume);
  if (staged === undefined || staged.stash.stagingPath !== path) {
    throw new Failure('precondition', 'NOT_STAGED', `the volume is not staged at ${path}`);
  }
  if (staged.stash.access !== target.access) {
    throw new Failure(
      'precondition',
      'STAGED_OTHERWISE',
      `the volume is staged as ${staged.stash.access}, not as ${target.access}`,
    );
  }
  return staged;
}

/** `undefined` where the device is gone or dead, or its file system is not mounted, or given up by the kernel. */
async function findWorking({ stash, mapped }: Staged, { path, mountFlags }: Target): Promise<Device | undefined> {
  const device = deviceOf(mapped);
  if (device === undefined || stash.access === 'block') return device;
  const mount = await findMountOf(device, stash.stagingPath);
  if (mount === undefined) return undefined;
  // A pod that has it goes on with what still works.
  if ((await findMount(path))?.device === device.number) return device;
  return (await isGivenUp({ stash, mountFlags }, mount)) ? undefined : device;
}

async function refuseOthers(dir: string, wanted: Target, single: boolean): Promise<void> {
  for (const other of await readTargets(dir)) {
    if ((await findMount(other.path)) === undefined) continue; // S2: begun or ended, and not there.
    if (other.path === wanted.path && !isSame(other, wanted)) {
      throw new Failure('conflict', 'PUBLISHED_OTHERWISE', `the volume is published at ${wanted.path} in another way`);
    }
    if (other.path !== wanted.path && single) {
      throw new Failure('precondition', 'PUBLISHED_ELSEWHERE', `the volume is for one path, and published at ${other.path}`);
    }
  }
}

function isSame(one: Target, other: Target): boolean {
  return (
    one.readonly === other.readonly &&
    one.access === other.access &&
    one.mode === other.mode &&
    one.mountFlags.join(',') === other.mountFlags.join(',')
  );
}

async function ensureBind({ stash }: Staged, device: Device, path: string): Promise<void> {
  if ((await findMountOf(device, path)) !== undefined) return;
  await ensureMountPoint(path, 'directory');
  await bindMount(stash.stagingPath, path);
}

/** The device's node appears as the target file: the mount is of the file system that the node lies in. */
async function ensureNode(device: Device, path: string): Promise<void> {
  const mount = await findMount(path);
  if (mount === undefined) {
    const { path: node } = await throughItsNode(device);
    await ensureMountPoint(path, 'file');
    await bindMount(node, path);
  } else if ((await numberAt(path)) !== device.number) {
    throw new Failure('precondition', 'PATH_TAKEN', `something else is mounted at ${path}: ${mount.source}`);
  }
}
