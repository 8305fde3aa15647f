/**
 * Ids from outside. A text that cannot be an id of ours names nothing, so it is `not-found` (or done, where something
 * is to be removed), never `invalid`: sidecars ask about ids that other drivers made.
 */
import { Failure } from '#lib/failure';
import {
  formatGroup,
  formatSnapshot,
  formatVolume,
  type GroupHandle,
  type ImageRef,
  parseGroup,
  parseSnapshot,
  parseVolume,
  type SnapshotHandle,
  type VolumeHandle,
} from '#lib/handle';
import { parseNodeId } from '#lib/node-id';
import type { GroupRef, SnapshotRef } from '#rbd';
import { required } from '../refuse.ts';

/** Something of Ceph's, and the logical cluster that it is in. */
export interface Located<Ref> {
  readonly cluster: string;
  readonly ref: Ref;
}

export function findVolume(field: string, id: string): Located<ImageRef> | undefined {
  const handle = parseVolume(required(field, id));
  return handle && locate(handle);
}

export function getVolume(field: string, id: string): Located<ImageRef> {
  return findVolume(field, id) ?? absent('VOLUME_NOT_FOUND', field, id);
}

export function findSnapshot(field: string, id: string): Located<SnapshotRef> | undefined {
  const handle = parseSnapshot(required(field, id));
  return handle && locate(handle);
}

export function getSnapshot(field: string, id: string): Located<SnapshotRef> {
  return findSnapshot(field, id) ?? absent('SNAPSHOT_NOT_FOUND', field, id);
}

export function findGroup(field: string, id: string): Located<GroupRef> | undefined {
  const handle = parseGroup(required(field, id));
  return handle && locate(handle);
}

export function getGroup(field: string, id: string): Located<GroupRef> {
  return findGroup(field, id) ?? absent('GROUP_SNAPSHOT_NOT_FOUND', field, id);
}

/** Returns the id; throws `not-found` for one that no node of ours can have. */
export function getNode(field: string, id: string): string {
  return parseNodeId(required(field, id)) === undefined ? absent('NODE_NOT_FOUND', field, id) : id;
}

export function volumeId({ cluster, ref }: Located<ImageRef>): string {
  return formatVolume({ cluster, pool: ref.pool, namespace: ref.namespace, image: ref.image });
}

export function snapshotId({ cluster, ref }: Located<SnapshotRef>): string {
  return formatSnapshot({ cluster, ...ref });
}

export function groupId({ cluster, ref }: Located<GroupRef>): string {
  return formatGroup({ cluster, ...ref });
}

function locate<Handle extends VolumeHandle | SnapshotHandle | GroupHandle>(handle: Handle): Located<Omit<Handle, 'cluster'>> {
  const { cluster, ...ref } = handle;
  return { cluster, ref };
}

function absent(reason: string, field: string, id: string): never {
  throw new Failure('not-found', reason, `${field} ${JSON.stringify(id)} names nothing of ours`);
}
