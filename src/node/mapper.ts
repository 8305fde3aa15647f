/**
 * A mapper makes a block device of an image. It keeps nothing in memory: what it has mapped it finds again by the
 * volume's directory, so that any instance of the node role can go on where another was killed.
 */
import type { ClusterConnection } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import type { ImageRef } from '#lib/handle';

export interface MapSpec {
  readonly image: ImageRef;
  readonly readonly: boolean;
  readonly options: MapOptions;
  /** Nobody else writes as long as it is mapped: a mapper may refuse everybody else the image's lock. */
  readonly exclusive: boolean;
  /** Undefined for a volume that is not encrypted. */
  readonly encryption: Encryption | undefined;
  readonly connection: ClusterConnection;
}

export interface Encryption {
  /** The volume's data key, wrapped: no secret. */
  readonly storedKey: string;
  /** No other node can be at it: a blank image may get its LUKS header here. */
  readonly mayFormat: boolean;
}

/** `mapOptions` of the StorageClass, already parsed; what a mapper does not know it refuses. */
export type MapOptions = Readonly<Record<string, string>>;

export interface ResizeSpec {
  readonly connection: ClusterConnection;
  /** Bytes that the image is known to have; 0 for unknown. */
  readonly required: bigint;
}

export interface Device {
  /** `/dev/…` */
  readonly path: string;
  /** `major:minor`, as the mount table names it. */
  readonly number: string;
  readonly readonly: boolean;
  /** Bytes. */
  readonly size: bigint;
}

/** `dead`: a device is there and nothing answers behind it; every read and write of it fails, or waits to be healed. */
export type Mapped =
  | { readonly state: 'none' }
  | { readonly state: 'alive'; readonly device: Device }
  | { readonly state: 'dead'; readonly device: Device; readonly why: string };

export interface Mapper {
  readonly name: string;
  /** What this host lacks to use the mapper, or `undefined` when it lacks nothing. */
  missing(): Promise<string | undefined>;
  /** Throws `invalid` naming an option that this mapper does not have. */
  checkOptions(options: MapOptions): void;
  /** Reads the host's own state only: answers with Ceph away. */
  find(dir: string): Promise<Mapped>;
  /** Maps, or finds it mapped as wanted. Remains of an earlier mapping are taken down first. */
  map(dir: string, spec: MapSpec): Promise<Device>;
  /**
   * Makes the device as large as the image is now. Never makes either smaller. Looks as the user that mapped it, with
   * the connection's key where it is that user's: it may have changed since.
   */
  resize(dir: string, want: ResizeSpec): Promise<Device>;
  /**
   * Takes the device away; done also when there is none, and with Ceph away. Throws `unfinished` while anybody holds
   * the device: what was written to it may not have left this host yet.
   */
  unmap(dir: string): Promise<void>;
  /** Has a dead device answer again, whatever is on it; mapping one does so too. Undefined where that is not possible. */
  readonly heal: ((dir: string, connection: ClusterConnection) => Promise<Device>) | undefined;
}

/** What a call waits for that maps or resizes and is not answered. */
export function noAnswer({ cluster, monitors }: ClusterConnection): string {
  return `the mapper has no answer yet from cluster ${cluster}, whose monitors are ${monitors.join(', ')}`;
}

/** The mapper of that name, or the first that this host can use when the name is ''. */
export async function chooseMapper(mappers: readonly Mapper[], name: string): Promise<Mapper> {
  const lacking: string[] = [];
  for (const mapper of mappers) {
    if (name !== '' && mapper.name !== name) continue;
    const missing = await mapper.missing();
    if (missing === undefined) return mapper;
    lacking.push(`${mapper.name} lacks ${missing}`);
  }
  if (lacking.length === 0) throw new Failure('invalid', 'MAPPER_UNKNOWN', `there is no mapper "${name}"`);
  throw new Failure('precondition', 'MAPPER_UNUSABLE', `no mapper can be used on this node: ${lacking.join(', ')}`);
}
