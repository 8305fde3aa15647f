import { Failure } from '#lib/failure';
import type { AccessMode } from '#rbd';
import type { VolumeCapability } from '../generated/messages.ts';
import { invalid, missing } from '../refuse.ts';

/** How a volume is to be used; what CSI allows and RBD cannot serve is refused on the way here. */
export interface Capability {
  readonly mode: AccessMode;
  readonly access: Access;
}

export type Access =
  | { readonly type: 'block' }
  | { readonly type: 'mount'; readonly fsType: FsType | ''; readonly mountFlags: readonly string[] };

const FS_TYPES = ['ext4', 'xfs'] as const;
export type FsType = (typeof FS_TYPES)[number];

type WireMode = NonNullable<VolumeCapability['accessMode']>['mode'];

const MODES: Readonly<Record<Exclude<WireMode, 'UNKNOWN'>, AccessMode>> = {
  SINGLE_NODE_WRITER: 'single-writer',
  SINGLE_NODE_SINGLE_WRITER: 'single-writer',
  SINGLE_NODE_MULTI_WRITER: 'single-writer',
  SINGLE_NODE_READER_ONLY: 'single-reader',
  MULTI_NODE_READER_ONLY: 'multi-reader',
  MULTI_NODE_SINGLE_WRITER: 'multi-writer',
  MULTI_NODE_MULTI_WRITER: 'multi-writer',
};

/** Throws `invalid` naming what is missing or not supported. */
export function readCapabilities(field: string, capabilities: readonly VolumeCapability[]): readonly Capability[] {
  if (capabilities.length === 0) throw missing(field);
  return capabilities.map((capability, index) => readCapability(`${field}[${index}]`, capability));
}

export function readCapability(field: string, capability: VolumeCapability | null): Capability {
  return read(field, capability, invalid);
}

/** The same for a node, where CSI wants `precondition` for what is well-formed and cannot be served. */
export function readNodeCapability(field: string, capability: VolumeCapability | null): Capability {
  return read(field, capability, (part, what) => new Failure('precondition', 'CAPABILITY_UNSUPPORTED', `${part} ${what}`));
}

type Refuse = (field: string, what: string) => Failure;

function read(field: string, capability: VolumeCapability | null, refuse: Refuse): Capability {
  if (capability === null) throw missing(field);
  const mode = readMode(`${field}.access_mode`, capability);
  const access = readAccess(field, capability, refuse);
  // Two nodes that write to one file system destroy it; a raw device is shared by who knows how to.
  if (access.type === 'mount' && mode === 'multi-writer') {
    throw refuse(`${field}.access_mode`, 'has several nodes with a writer, which is served for block volumes only');
  }
  return { mode, access };
}

function readMode(field: string, { accessMode }: VolumeCapability): AccessMode {
  if (accessMode === null || accessMode.mode === 'UNKNOWN') throw missing(field);
  return MODES[accessMode.mode];
}

function readAccess(field: string, { accessType, mount }: VolumeCapability, refuse: Refuse): Access {
  if (accessType === 'block') return { type: 'block' };
  if (accessType !== 'mount' || mount === undefined || mount === null) throw missing(`${field}.access_type`);
  if (mount.volumeMountGroup !== '') throw refuse(`${field}.mount.volume_mount_group`, 'is not supported');
  const fsType = FS_TYPES.find((type) => type === mount.fsType);
  if (fsType === undefined && mount.fsType !== '') throw refuse(`${field}.mount.fs_type`, `is not one of: ${FS_TYPES.join(', ')}`);
  return { type: 'mount', fsType: fsType ?? '', mountFlags: mount.mountFlags };
}
