/**
 * NodeStageVolume: the image becomes a block device, and for a mount volume its file system is mounted at the staging
 * path. Every step looks before it acts, so that a repeated call finishes what a killed one began, and makes anew what
 * gives only errors (broken.ts). NodePublishVolume comes by here too where it finds the volume broken.
 */
import type { ClusterConnection } from '#lib/cluster-config';
import { Failure, isUnsettled } from '#lib/failure';
import { formatVolume, type VolumeHandle } from '#lib/handle';
import { byDeadline, checkpoint, type Scope } from '#lib/scope';
import { publishedAt, releaseBroken } from './broken.ts';
import { throughItsNode } from './device-node.ts';
import { check, growMounted, growUnmounted, inspect, make, unmark } from './filesystems.ts';
import { dirOf, type NodeHost, type Staged } from './host.ts';
import { readMapOptions } from './map-options.ts';
import { chooseMapper, type Device, type Encryption, type Mapper, type MapSpec, noAnswer } from './mapper.ts';
import { readMkfsOptions } from './mkfs-options.ts';
import { type FsType, mountOptions, readMountOptions, STANDARD_FS } from './mount-options.ts';
import { findMountOf, mountDevice } from './mounts.ts';
import { checkPath, ensureMountPoint } from './paths.ts';
import { type Access, dropStash, readStash, type Stash, writeStash } from './stash.ts';

export interface StageSpec {
  readonly volume: VolumeHandle;
  readonly stagingPath: string;
  readonly access: Access;
  /** Nothing is ever written to the device: for readers. */
  readonly readonly: boolean;
  /** No other node may have it meanwhile. */
  readonly exclusive: boolean;
  /** '' takes what is there, and ext4 for a new one. */
  readonly fsType: FsType | '';
  readonly mountFlags: readonly string[];
  /** As the StorageClass has them. */
  readonly mkfsOptions: string;
  readonly mapOptions: string;
  /** '' lets the node choose. */
  readonly mapper: string;
  /** Undefined for a volume that is not encrypted. */
  readonly encryption: Encryption | undefined;
  readonly connection: ClusterConnection;
}

interface Plan {
  readonly dir: string;
  readonly spec: StageSpec;
  readonly mapper: Mapper;
  readonly mountFlags: readonly string[];
  readonly mkfsOptions: readonly string[];
  readonly stash: Stash;
  /** It was staged before, and NodeUnstageVolume will come: the stash stays whatever becomes of the call. */
  readonly isAgain: boolean;
}

/** Repeatable; throws `conflict` when the volume is staged here in another way. */
export async function stage(host: NodeHost, spec: StageSpec, scope: Scope): Promise<void> {
  await ensureStaged(await prepare(host, spec), scope);
}

/**
 * The same for a volume that was staged and is no more as it was: in the way that its stash says, with the rest of the
 * request that comes to publish it. Kubelet stages a volume again only once no pod of the node has wanted it for a while, so a
 * pod that comes sooner would ask in vain for ever.
 */
export async function restage(
  host: NodeHost,
  { staged: { stash }, spec }: { staged: Staged; spec: StageSpec },
  scope: Scope,
): Promise<Device> {
  const { mapper, stagingPath, access, readonly, fsType } = stash;
  // The stash's own checks let no other value than these in.
  const plan = await prepare(host, { ...spec, mapper, stagingPath, access, readonly, fsType: fsType as StageSpec['fsType'] });
  try {
    return await ensureStaged({ ...plan, stash: { ...plan.stash, user: stash.user }, isAgain: true }, scope);
  } catch (error) {
    throw secretsLacking(error, stash, spec.connection) ?? error;
  }
}

/** A key that came with a class's secrets was kept nowhere but in the process that has ended. */
function secretsLacking(error: unknown, { user }: Stash, used: ClusterConnection): Failure | undefined {
  if (!(error instanceof Failure) || (error.kind !== 'denied' && error.kind !== 'unauthenticated')) return undefined;
  if (user === '' || user === used.user) return undefined;
  const message =
    `the volume has to be mapped anew, and was staged as client.${user} with secrets that nothing keeps; ` +
    `this call comes as client.${used.user}, who may not: ${error.message}`;
  return new Failure(error.kind, 'SECRETS_NOT_GIVEN', message, { cause: error });
}

async function ensureStaged(plan: Plan, scope: Scope): Promise<Device> {
  const { dir, spec, mapper, stash } = plan;
  await releaseBroken({ ...plan, mapped: await mapper.find(dir) });
  await writeStash(dir, stash);

  checkpoint(scope);
  const mapping = orRelease(plan, async () => throughItsNode(await mapper.map(dir, mapSpec(spec))));
  const device = await byDeadline(scope, mapping, noAnswer(spec.connection));
  if (spec.access === 'mount') await orRelease(plan, () => ensureMounted(plan, device, scope));
  scope.log.info({ volume: stash.handle, device: device.path, mapper: mapper.name }, 'volume is staged');
  return device;
}

/**
 * After a final failure of NodeStageVolume nobody calls NodeUnstageVolume, so what was begun goes at once; else the next
 * call goes on. What a pod still has stays as it is, for its device's number would be the next volume's. A device that is mounted
 * anywhere, or open, stays too: then the answer is the mapper's `unfinished`.
 */
async function orRelease<T>({ dir, mapper, isAgain }: Plan, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUnsettled(error) && (await publishedAt(dir)).length === 0) {
      await mapper.unmap(dir);
      if (!isAgain) await dropStash(dir);
    }
    throw error;
  }
}

function mapSpec(spec: StageSpec): MapSpec {
  const { volume, readonly, exclusive, encryption, connection } = spec;
  const options = readMapOptions(spec.mapOptions);
  return { image: volume, readonly, options, exclusive, encryption, connection };
}

/** All that can be refused, before anything is made. */
async function prepare(host: NodeHost, spec: StageSpec): Promise<Plan> {
  const stagingPath = checkPath('staging_target_path', spec.stagingPath);
  const mountFlags = readMountOptions(spec.mountFlags);
  // Of a class whose file system's options are not this volume's business.
  const mkfsOptions = spec.access === 'block' ? [] : readMkfsOptions(spec.mkfsOptions, typeToMake(spec));
  const dir = dirOf(host, spec.volume);
  const before = await readStash(dir);
  // What is mapped stays with the mapper that mapped it, whatever this node would choose today.
  const mapper = await chooseMapper(host.mappers, spec.mapper === '' ? (before?.mapper ?? '') : spec.mapper);
  mapper.checkOptions(readMapOptions(spec.mapOptions));
  const wanted: Stash = {
    handle: formatVolume(spec.volume),
    mapper: mapper.name,
    stagingPath,
    access: spec.access,
    readonly: spec.readonly,
    fsType: spec.access === 'mount' ? spec.fsType : '',
    storedKey: spec.encryption?.storedKey ?? '',
    user: spec.connection.user,
  };
  if (before !== undefined) await refuseOther(dir, { before, wanted, mapper });
  return { dir, spec, mapper, mountFlags, mkfsOptions, stash: wanted, isAgain: false };
}

async function refuseOther(
  dir: string,
  { before, wanted, mapper }: { before: Stash; wanted: Stash; mapper: Mapper },
): Promise<void> {
  const fields = ['mapper', 'stagingPath', 'access', 'readonly', 'fsType'] as const;
  // Wrapped anew it is the same key.
  const isEncrypted = ({ storedKey }: Stash): boolean => storedKey !== '';
  const other =
    isEncrypted(before) === isEncrypted(wanted) ? fields.find((field) => before[field] !== wanted[field]) : 'encryption';
  if (other === undefined) return;
  // A call that failed before it mapped anything does not bind the next one.
  const { state } = before.mapper === mapper.name ? await mapper.find(dir) : { state: 'alive' };
  if (state !== 'none') {
    throw new Failure(
      'conflict',
      'STAGED_OTHERWISE',
      `the volume is staged on this node with another ${other}: ${other === 'encryption' ? isEncrypted(before) : before[other]}`,
    );
  }
}

async function ensureMounted(plan: Plan, device: Device, scope: Scope): Promise<void> {
  const path = plan.stash.stagingPath;
  const mount = await findMountOf(device, path);
  if (mount === undefined) {
    const type = await ensureFilesystem(plan, device, scope);
    checkpoint(scope);
    await mountFilesystem(plan, { device, type });
    if (!device.readonly) await growMounted(type, device, path);
  } else if (mount.type === 'xfs' && !device.readonly) {
    await growMounted(mount.type, device, path); // A call that was cut off between mounting and growing.
  }
}

/** The type of the file system on the device, made when the device is blank. */
async function ensureFilesystem(plan: Plan, device: Device, scope: Scope): Promise<FsType> {
  const { spec } = plan;
  const content = await inspect(device);
  if (content.kind === 'filesystem') {
    const type = accepted(content.type, spec.fsType);
    if (content.isMarked && !device.readonly) await unmark(device);
    return type;
  }
  if (device.readonly) throw new Failure('precondition', 'NOTHING_TO_READ', 'the volume holds no file system, and is read-only');
  if (content.kind === 'unknown') {
    throw new Failure('precondition', 'DATA_UNKNOWN', 'the volume holds data that is no file system; it is not formatted');
  }
  const type = typeToMake(spec);
  checkpoint(scope);
  await make(type, device, plan.mkfsOptions);
  return type;
}

function typeToMake({ fsType }: StageSpec): FsType {
  return fsType === '' ? STANDARD_FS : fsType;
}

function accepted(found: string, wanted: FsType | ''): FsType {
  if (found !== 'ext4' && found !== 'xfs') {
    throw new Failure('precondition', 'FILESYSTEM_UNSUPPORTED', `the volume holds ${found}, which is not mounted by this driver`);
  }
  if (wanted !== '' && wanted !== found) {
    throw new Failure('precondition', 'FILESYSTEM_DIFFERS', `the volume holds ${found}, and ${wanted} was asked for`);
  }
  return found;
}

async function mountFilesystem(plan: Plan, { device, type }: { device: Device; type: FsType }): Promise<void> {
  const path = plan.stash.stagingPath;
  if (!device.readonly) {
    await check(type, device);
    await growUnmounted(type, device);
  }
  await ensureMountPoint(path, 'directory');
  await mountDevice({ device: device.path, type, path, options: mountOptions(type, plan.mountFlags, device.readonly) });
}
