/**
 * RBD groups: images whose snapshots are taken at one moment. Changed through librbd, read by methods of the OSD's
 * object class. On Ceph 16 an image is in one group at most, and a group's images lie in its own namespace.
 */
import { findAnswer } from './class-method.ts';
import { type Decoder, Encoder } from './codec.ts';
import type { IoContext } from './io-context.ts';

/** RBD_SNAP_CREATE_SKIP_QUIESCE, as for a single snapshot. */
const SKIP_QUIESCE = 1;
const COMPLETE = 1;
/** What one answer may hold; groups of ours are small and have one snapshot. */
const MAX = 1024;
const ROOM = 256 * 1024;

/** An image of a group, in the group's namespace. */
export interface GroupImage {
  readonly poolId: bigint;
  readonly imageId: string;
}

export interface GroupMember extends GroupImage {
  readonly snapshotId: bigint;
}

export interface GroupSnapshotInfo {
  readonly id: string;
  readonly name: string;
  /** False while it is being taken, and after that was cut off: `members` are then not known. */
  readonly complete: boolean;
  readonly members: readonly GroupMember[];
}

/**
 * Throws CephError EEXIST for a name that is taken.
 *
 * Implements:
 *   int rbd_group_create(rados_ioctx_t io, const char *name);
 */
export async function createGroup(io: IoContext, name: string): Promise<void> {
  await io.native.call('rbd_group_create', io.pointer, name);
}

/**
 * Removes a group with its snapshots; its images stay. Throws CephError ENOENT.
 *
 * Implements:
 *   int rbd_group_remove(rados_ioctx_t io, const char *name);
 */
export async function removeGroup(io: IoContext, name: string): Promise<void> {
  await io.native.call('rbd_group_remove', io.pointer, name);
}

/**
 * Throws CephError EEXIST for an image that is in another group.
 *
 * Implements:
 *   int rbd_group_image_add(rados_ioctx_t group_io, const char *group_name, rados_ioctx_t image_io, const char *image_name);
 */
export async function addToGroup(
  io: IoContext,
  group: string,
  image: { readonly io: IoContext; readonly name: string },
): Promise<void> {
  await io.native.call('rbd_group_image_add', io.pointer, group, image.io.pointer, image.name);
}

/**
 * Throws CephError ENOENT when it is not in the group.
 *
 * Implements:
 *   int rbd_group_image_remove_by_id(rados_ioctx_t group_io, const char *group_name, rados_ioctx_t image_io, const char *image_id);
 */
export async function takeFromGroup(
  io: IoContext,
  group: string,
  image: { readonly io: IoContext; readonly id: string },
): Promise<void> {
  await io.native.call('rbd_group_image_remove_by_id', io.pointer, group, image.io.pointer, image.id);
}

/**
 * Takes a snapshot of all images at one moment: holds back their writers, who see a pause. Cut off, it leaves an
 * incomplete one, and snapshots on some images that `removeGroupSnapshot` does not know of.
 *
 * Implements:
 *   int rbd_group_snap_create2(rados_ioctx_t group_io, const char *group_name, const char *snap_name, uint32_t flags);
 */
export async function takeGroupSnapshot(io: IoContext, group: string, snapshot: string): Promise<void> {
  await io.native.call('rbd_group_snap_create2', io.pointer, group, snapshot, SKIP_QUIESCE);
}

/**
 * Removes it from every image that it has a part on, whether that is still in the group or not.
 *
 * Implements:
 *   int rbd_group_snap_remove(rados_ioctx_t group_io, const char *group_name, const char *snap_name);
 */
export async function removeGroupSnapshot(io: IoContext, group: string, snapshot: string): Promise<void> {
  await io.native.call('rbd_group_snap_remove', io.pointer, group, snapshot);
}

/**
 * The id behind a group's name. One round trip.
 *
 * Implements: cls_rbd dir_get_id on `rbd_group_directory`.
 */
export async function findGroupId(io: IoContext, name: string): Promise<string | undefined> {
  const answer = await findAnswer(io, 'rbd_group_directory', { method: 'dir_get_id', input: new Encoder().string(name) });
  return answer?.string();
}

/**
 * The name of a group. One round trip.
 *
 * Implements: cls_rbd dir_get_name on `rbd_group_directory`.
 */
export async function findGroupName(io: IoContext, groupId: string): Promise<string | undefined> {
  const answer = await findAnswer(io, 'rbd_group_directory', { method: 'dir_get_name', input: new Encoder().string(groupId) });
  return answer?.string();
}

/**
 * The images that are in a group. One round trip.
 *
 * Implements: cls_rbd group_image_list on `rbd_group_header.<id>`.
 */
export async function listGroupImages(io: IoContext, groupId: string): Promise<GroupImage[]> {
  const start = new Encoder().struct(new Encoder().string('').u64(0n)).u64(BigInt(MAX));
  const answer = await findAnswer(io, `rbd_group_header.${groupId}`, { method: 'group_image_list', input: start, room: ROOM });
  return answer?.list((decoder) => decoder.struct((status) => status.struct(decodeImage))) ?? [];
}

function decodeImage(body: Decoder): GroupImage {
  const imageId = body.string();
  return { imageId, poolId: body.s64() };
}

/**
 * The snapshots of a group. One round trip.
 *
 * Implements: cls_rbd group_snap_list on `rbd_group_header.<id>`.
 */
export async function listGroupSnapshots(io: IoContext, groupId: string): Promise<GroupSnapshotInfo[]> {
  const start = new Encoder().struct(new Encoder().string('').string('').u8(0).u32(0)).u64(BigInt(MAX));
  const answer = await findAnswer(io, `rbd_group_header.${groupId}`, { method: 'group_snap_list', input: start, room: ROOM });
  return answer?.list((decoder) => decoder.struct(decodeSnapshot)) ?? [];
}

function decodeSnapshot(body: Decoder): GroupSnapshotInfo {
  const [id, name, state] = [body.string(), body.string(), body.u8()];
  return { id, name, complete: state === COMPLETE, members: body.list((decoder) => decoder.struct(decodeMember)) };
}

function decodeMember(body: Decoder): GroupMember {
  const poolId = body.s64();
  const imageId = body.string();
  return { poolId, imageId, snapshotId: body.u64() };
}

/** Where a group is: its id, and the pool that has it (in the image's own namespace). */
export interface GroupPlace {
  readonly poolId: bigint;
  readonly groupId: string;
}

/**
 * The group that an image is in. One round trip.
 *
 * Implements: cls_rbd image_group_get on `rbd_header.<id>`.
 */
export async function findGroupOf(io: IoContext, imageId: string): Promise<GroupPlace | undefined> {
  const answer = await findAnswer(io, `rbd_header.${imageId}`, { method: 'image_group_get' });
  const place = answer?.struct((body) => ({ poolId: body.s64(), groupId: body.string() }));
  return place?.groupId === '' ? undefined : place;
}
