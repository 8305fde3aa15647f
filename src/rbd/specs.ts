/**
 * What the engine is asked and what it answers: plain data, so that it crosses the process boundary as it is.
 * A reference names an image within the connected site; the logical cluster's name is the caller's.
 * Sizes are bytes as bigint, times are milliseconds since the epoch, durations are seconds.
 */
import type { ImageRef, Place } from '#lib/handle';
import type { Scope } from '#lib/scope';
import type { ImageOutcome, Mirroring } from './mirror/specs.ts';

export type * from './mirror/specs.ts';
export type { ImageRef, Place };

export interface SnapshotRef extends ImageRef {
  readonly snapshot: string;
}

export const FEATURES = [
  'layering',
  'striping',
  'exclusive-lock',
  'object-map',
  'fast-diff',
  'deep-flatten',
  'journaling',
] as const;
export type Feature = (typeof FEATURES)[number];

/** Inclusive bounds; `limit` 0 means none. */
export interface SizeRange {
  readonly required: bigint;
  readonly limit: bigint;
}

export type Source =
  | { readonly from: 'nothing' }
  | { readonly from: 'snapshot'; readonly snapshot: SnapshotRef }
  | { readonly from: 'volume'; readonly volume: ImageRef };

/** How the image is laid out; fixed when it is made. */
export interface Layout {
  /** '' keeps the data in the image's own pool. */
  readonly dataPool: string;
  /** Bytes of one RADOS object, a power of two. */
  readonly objectSize: bigint;
  /** Both 0 for no striping beyond objects. */
  readonly stripeUnit: bigint;
  readonly stripeCount: bigint;
  readonly features: readonly Feature[];
}

/** What ControllerModifyVolume may change later. */
export interface Mutable {
  /** Seconds that a deleted volume stays in the trash before it may be purged. */
  readonly deleteRetention: number;
  /** Clones deeper than this are flattened in the background; 0 means never. */
  readonly maxCloneDepth: number;
  /** librbd's own option names, `rbd_qos_iops_limit` and so on, with their values. */
  readonly qos: Readonly<Record<string, string>>;
}

/** Who asked, in Kubernetes' words, as the sidecars tell it; empty without Kubernetes. */
export type Labels = Readonly<Record<string, string>>;

export interface VolumeSpec extends ImageRef {
  /** CSI's name, which `image` follows from. */
  readonly name: string;
  /** Bytes that the user is to have; within `range`. */
  readonly size: bigint;
  readonly range: SizeRange;
  readonly source: Source;
  readonly layout: Layout;
  readonly flatten: boolean;
  readonly mutable: Mutable;
  readonly labels: Labels;
  /** The volume's data key, wrapped for it (keys/stored-key.ts); '' for one that is not encrypted. */
  readonly key: string;
}

/** A wrapped key that was found, and the volume that it opens. */
export interface FoundKey {
  readonly volume: ImageRef;
  readonly key: string;
}

export interface ImageKey extends FoundKey {
  /** The image's, which it keeps under any name. */
  readonly id: string;
}

export interface Volume extends ImageRef {
  readonly name: string;
  /** Bytes that its user has. */
  readonly size: bigint;
  readonly source: Source;
  readonly dataPool: string;
  readonly mutable: Mutable;
}

/** A volume with how its image is laid out, and what was kept of the request that made it. */
export interface VolumeShape extends Volume {
  readonly labels: Labels;
  /** Without stripes: an object after the other, as 0 of 0. */
  readonly layout: Layout;
  readonly isEncrypted: boolean;
}

export interface Page {
  /** The last item of the page before, or '' for the first page. */
  readonly after: string;
  /** 0 for no bound. */
  readonly max: number;
}

export interface VolumePage {
  readonly volumes: readonly Volume[];
  /** '' at the end. */
  readonly next: string;
}

export interface SnapshotSpec extends SnapshotRef {
  /** CSI's name, which `snapshot` follows from. */
  readonly name: string;
  readonly labels: Labels;
}

export interface Snapshot extends SnapshotRef {
  readonly name: string;
  readonly size: bigint;
  /** Milliseconds since the epoch, by the cluster's clock. */
  readonly createdAt: number;
  /** The group snapshot it belongs to, which may lie in another pool. */
  readonly group: GroupRef | undefined;
  /** The data pool of its image, for topology; '' when it is the image's own pool. */
  readonly dataPool: string;
}

export interface SnapshotPage {
  readonly snapshots: readonly Snapshot[];
  readonly next: string;
}

export type AccessMode = 'single-writer' | 'single-reader' | 'multi-reader' | 'multi-writer';

export interface Publication {
  /** A node id: `name@address[,address…]`. */
  readonly node: string;
  readonly mode: AccessMode;
  readonly readonly: boolean;
}

export interface PublishSpec extends Publication {
  readonly volume: ImageRef;
  /** The most volumes that this node takes at once; 0 for no limit. */
  readonly nodeLimit: number;
}

export interface UnpublishSpec {
  readonly volume: ImageRef;
  /** '' for every node; none of them is cut off then. */
  readonly node: string;
  /** A node that still has the image open is cut off from Ceph, also when nobody said that it is lost. */
  readonly fence: boolean;
}

export interface Published {
  /** The physical site that serves the volume. */
  readonly site: string;
  /** The wrapped key of an encrypted volume, '' for another. */
  readonly key: string;
  /** No other node has the volume. */
  readonly isAlone: boolean;
}

export interface GroupSnapshotSpec extends Place {
  /** CSI's name. */
  readonly name: string;
  /** The RBD group, and the name of every member snapshot; follows from `name`. */
  readonly group: string;
  readonly sources: readonly ImageRef[];
  readonly labels: Labels;
}

export interface GroupRef extends Place {
  readonly group: string;
}

export interface GroupSnapshot extends GroupRef {
  readonly name: string;
  readonly createdAt: number;
  readonly snapshots: readonly Snapshot[];
}

export interface Capacity {
  /** Bytes that can still be written: the data pool's room or what its quota leaves, whichever is less. */
  readonly available: bigint;
}

export type HealthStatus = 'degraded' | 'inaccessible' | 'data-loss';

export interface HealthEntry {
  readonly status: HealthStatus;
  /** CamelCase, stable. */
  readonly reason: string;
  readonly message: string;
}

export interface VolumeHealth extends ImageRef {
  readonly entries: readonly HealthEntry[];
}

export interface VolumeHealthPage {
  readonly unhealthy: readonly VolumeHealth[];
  readonly next: string;
}

export interface ChangedBlocksSpec {
  readonly snapshot: SnapshotRef;
  /** The older snapshot of the same image to compare with; undefined asks for what is allocated. */
  readonly base: SnapshotRef | undefined;
  readonly startingOffset: bigint;
  /** Extents in one answer, at least 1. */
  readonly max: number;
}

export interface Extent {
  readonly offset: bigint;
  readonly length: bigint;
}

export interface ChangedBlocks {
  readonly size: bigint;
  /** Ascending and without overlap; none ends before the starting offset. */
  readonly extents: readonly Extent[];
  /** Where the next call starts; undefined at the end. */
  readonly next: bigint | undefined;
}

/** A snapshot that is there, and who asked for it, in Kubernetes' words. */
export interface SnapshotFacts {
  readonly snapshot: string;
  readonly labels: Labels;
}

/** A volume, with what Kubernetes had of it. What anybody may write into metadata is as hostile as they are. */
export interface VolumeFacts extends ImageRef {
  /** As it was written; '' where nothing was. */
  readonly text: string;
  /** What was known when it was made. */
  readonly labels: Labels;
  /** Bytes that its user has. */
  readonly size: bigint;
  readonly encrypted: boolean;
  /** Why this site does not serve it; '' when it does. */
  readonly elsewhere: string;
  readonly snapshots: readonly SnapshotFacts[];
}

export interface VolumeFactsChange {
  readonly image: string;
  /** The text that the change was decided on. */
  readonly before: string;
  /** '' removes it. */
  readonly text: string;
}

/** What one pass of the reaper did in a place. */
export interface Reaped {
  readonly purged: number;
  /** Trash entries of ours that wait: for their retention, or for their children. */
  readonly waiting: number;
  readonly flattened: number;
  /** Images or trash entries that could not be dealt with, and why. */
  readonly failed: readonly { readonly image: string; readonly reason: string }[];
  /** Another controller is at it, or took over: what there is to do is to be looked at again soon. */
  readonly isOthersTurn: boolean;
}

export interface NodeMark {
  /** The node's name, not its id. */
  readonly node: string;
  readonly lost: boolean;
  /** Who says so: an administrator, or the operator for a taint. */
  readonly by: 'person' | 'taint';
}

export interface LostNodes {
  /** Marked in every place, by whomever. */
  readonly everywhere: readonly string[];
  /** Marked in any place by this instance's operator. */
  readonly byTaint: readonly string[];
}

/** The operations, by name; each runs in the agent, each can be asked again after any failure. */
export interface Engine extends Mirroring {
  /** Connects and reads once; throws what keeps the cluster from serving. */
  probe(args: Record<never, never>): Promise<{ readonly fsid: string }>;
  createVolume(spec: VolumeSpec): Promise<Volume>;
  /** Done also when there is no such volume. */
  deleteVolume(volume: ImageRef): Promise<void>;
  undeleteVolume(volume: ImageRef): Promise<Volume>;
  /** Makes a volume of an image that somebody else made. */
  adoptVolume(volume: ImageRef): Promise<Volume>;
  /** The wrapped key of a volume that is there, else of its source; undefined when that, or neither, has one. */
  findKey(args: { readonly volume: ImageRef; readonly source: Source }): Promise<FoundKey | undefined>;
  /** Those of all volumes, the deleted ones too. */
  listKeys(args: Record<never, never>): Promise<readonly ImageKey[]>;
  /** Puts the same data key, wrapped anew, in a key's place; done also when the image is gone. */
  replaceKey(key: ImageKey): Promise<void>;
  getVolume(volume: ImageRef): Promise<VolumeShape>;
  listVolumes(page: Page): Promise<VolumePage>;
  /** For each of the volumes the ids of the nodes that it is published at, or whose addresses hold a watch on its image. */
  publishedNodes(args: { readonly volumes: readonly ImageRef[] }): Promise<readonly (readonly string[])[]>;
  expandVolume(args: { readonly volume: ImageRef; readonly range: SizeRange }): Promise<{ readonly size: bigint }>;
  modifyVolume(args: { readonly volume: ImageRef; readonly mutable: Partial<Mutable> }): Promise<void>;
  publishVolume(spec: PublishSpec): Promise<Published>;
  /** Done also when it was not published. */
  unpublishVolume(spec: UnpublishSpec): Promise<void>;
  /** Says of a node, by its name, that it is lost: what it has is taken from it by force. Or that it is back. */
  markNode(mark: NodeMark): Promise<void>;
  lostNodes(args: Record<never, never>): Promise<LostNodes>;
  capacity(args: Place & { readonly dataPool: string }): Promise<Capacity>;
  volumeHealth(volume: ImageRef): Promise<VolumeHealth>;
  listVolumeHealth(page: Page): Promise<VolumeHealthPage>;
  createSnapshot(spec: SnapshotSpec): Promise<Snapshot>;
  deleteSnapshot(snapshot: SnapshotRef): Promise<void>;
  getSnapshot(snapshot: SnapshotRef): Promise<Snapshot>;
  /** `source` narrows to one volume. */
  listSnapshots(args: Page & { readonly source: ImageRef | undefined }): Promise<SnapshotPage>;
  createGroupSnapshot(spec: GroupSnapshotSpec): Promise<GroupSnapshot>;
  deleteGroupSnapshot(group: GroupRef): Promise<void>;
  getGroupSnapshot(group: GroupRef): Promise<GroupSnapshot>;
  changedBlocks(spec: ChangedBlocksSpec): Promise<ChangedBlocks>;
  /** The first of these that is there, whole or half-made. */
  findImage(args: { readonly among: readonly ImageRef[] }): Promise<ImageRef | undefined>;
  /** The pools and namespaces that carry our mark and that these credentials reach. */
  findPlaces(args: Record<never, never>): Promise<readonly Place[]>;
  /** Images in the place's directory; what others made counts too. */
  countImages(place: Place): Promise<number>;
  /** Of the volumes of those names, or of all in the place: what Kubernetes had of them, as it was written down. */
  volumeFacts(args: { readonly place: Place; readonly images: 'all' | readonly string[] }): Promise<readonly VolumeFacts[]>;
  /** Writes it down, where the volume is served. Reasons: FACTS_CHANGED (busy), NOT_PRIMARY. */
  writeVolumeFacts(args: {
    readonly place: Place;
    readonly changes: readonly VolumeFactsChange[];
  }): Promise<readonly ImageOutcome[]>;
  /** Purges what has expired and is ours, flattens what is due; long. */
  reap(place: Place): Promise<Reaped>;
}

/** The same operations as a front door calls them. */
export type RemoteEngine = {
  readonly [K in keyof Engine]: (args: Parameters<Engine[K]>[0], scope: Scope) => ReturnType<Engine[K]>;
};
