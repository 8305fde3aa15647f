/**
 * Handles are names: a volume is `cluster/pool/image` or `cluster/pool/namespace/image`, the image spec that
 * `rbd info` takes behind the name of a logical cluster; a snapshot is the same followed by `@snapshot`.
 * No ids: they change across sites and resyncs.
 */
import { createHash } from 'node:crypto';

/** A pool and a RADOS namespace in it ('' is the default namespace). */
export interface Place {
  readonly pool: string;
  readonly namespace: string;
}

export interface ImageRef extends Place {
  readonly image: string;
}

export interface VolumeHandle extends ImageRef {
  readonly cluster: string;
}

export interface SnapshotHandle extends VolumeHandle {
  readonly snapshot: string;
}

/** A group snapshot: `cluster/pool/group` or `cluster/pool/namespace/group`. */
export interface GroupHandle extends Place {
  readonly cluster: string;
  readonly group: string;
}

/** Bytes of a volume handle; with `@` and a snapshot's name it stays within CSI's 128. */
const VOLUME_HANDLE_MAX = 80;
const SNAPSHOT_NAME_MAX = 47;

/** A volume that was deleted while it had snapshots keeps its image under its name and this. */
export const DELETED = '.deleted';

/** Images and snapshots of our own housekeeping; no volume is called so. */
export const INTERNAL = 'loligo.';

/** Cluster, pool, namespace, image and snapshot names: what no shell, path or handle can misread. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** Room for a hashed image name (32) and the slashes in the longest form of a handle. */
const PLACE_MAX = VOLUME_HANDLE_MAX - 32 - 1;

/** Whether it can be the name of a cluster, pool, namespace, image or snapshot. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

export function formatPlace({ pool, namespace }: Place): string {
  return namespace === '' ? pool : `${pool}/${namespace}`;
}

/** What `formatPlace` wrote. */
export function parsePlace(text: string): Place {
  const [pool = '', namespace = ''] = text.split('/');
  return { pool, namespace };
}

export function formatImage(ref: ImageRef): string {
  return `${formatPlace(ref)}/${ref.image}`;
}

/** What `formatImage` wrote. */
export function parseImage(text: string): ImageRef {
  const parts = text.split('/');
  return { pool: parts[0] ?? '', namespace: parts.length > 2 ? (parts[1] ?? '') : '', image: parts.at(-1) ?? '' };
}

export function formatVolume(handle: VolumeHandle): string {
  return `${handle.cluster}/${formatImage(handle)}`;
}

export function formatSnapshot(handle: SnapshotHandle): string {
  return `${formatVolume(handle)}@${handle.snapshot}`;
}

/** `undefined` for a text that no handle of ours can be: what it names does not exist. */
export function parseVolume(text: string): VolumeHandle | undefined {
  if (text.length > VOLUME_HANDLE_MAX) return undefined;
  const parts = text.split('/');
  if (!parts.every(isName)) return undefined;
  const [cluster, pool, third, fourth] = parts;
  if (cluster === undefined || pool === undefined || third === undefined || parts.length > 4) return undefined;
  const handle =
    fourth === undefined ? { cluster, pool, namespace: '', image: third } : { cluster, pool, namespace: third, image: fourth };
  return handle.image.endsWith(DELETED) || handle.image.startsWith(INTERNAL) ? undefined : handle;
}

export function parseSnapshot(text: string): SnapshotHandle | undefined {
  const [left, snapshot, ...rest] = text.split('@');
  if (left === undefined || snapshot === undefined || rest.length > 0) return undefined;
  if (!isName(snapshot) || snapshot.length > SNAPSHOT_NAME_MAX) return undefined;
  const volume = parseVolume(left);
  return volume && { ...volume, snapshot };
}

export function formatGroup({ cluster, group, ...place }: GroupHandle): string {
  return `${cluster}/${formatPlace(place)}/${group}`;
}

export function parseGroup(text: string): GroupHandle | undefined {
  const parts = text.split('/');
  const group = parts.pop() ?? '';
  const [cluster, pool, namespace = ''] = parts;
  if (cluster === undefined || pool === undefined || parts.length > 3) return undefined;
  if (![...parts, group].every(isName) || group.length > SNAPSHOT_NAME_MAX) return undefined;
  return placeFits(cluster, { pool, namespace }) ? { cluster, pool, namespace, group } : undefined;
}

/** True when every handle in the place fits: a hashed image name always can be made. */
export function placeFits(cluster: string, place: Place): boolean {
  return `${cluster}/${formatPlace(place)}`.length <= PLACE_MAX;
}

/** The image of a CSI volume name: the name itself when it can be one, else a stable hash of it. */
export function imageNameFor(name: string, cluster: string, place: Place): string {
  const usable = isName(name) && !name.endsWith(DELETED) && !name.startsWith(INTERNAL);
  const fits = formatVolume({ cluster, ...place, image: name }).length <= VOLUME_HANDLE_MAX;
  return usable && fits ? name : hashed(name);
}

export function snapshotNameFor(name: string): string {
  const usable = isName(name) && name.length <= SNAPSHOT_NAME_MAX && !name.startsWith(INTERNAL);
  return usable ? name : hashed(name);
}

function hashed(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}
