import { findAnswer } from './class-method.ts';
import { type Decoder, Encoder } from './codec.ts';
import { type Progress, withProgress } from './image.ts';
import type { IoContext } from './io-context.ts';
import { WriteOperation } from './operation.ts';

/** States of an entry. */
const NORMAL = 0;
const MOVING = 1;

export interface TrashEntry {
  readonly id: string;
  readonly name: string;
  /** 0 for a person's or our own move; others belong to mirroring, migration or a removal that is going on. */
  readonly source: number;
  /** Milliseconds since the epoch. */
  readonly deletedAt: number;
  /** Milliseconds since the epoch; not to be purged before. */
  readonly keptUntil: number;
}

/**
 * Entries of the pool's trash behind an id, in the order of ids. One round trip.
 *
 * Implements: cls_rbd trash_list on `rbd_trash`.
 */
export async function listTrash(io: IoContext, after: string, max: number): Promise<TrashEntry[]> {
  const input = new Encoder().string(after).u64(BigInt(max));
  const listed = await findAnswer(io, 'rbd_trash', { method: 'trash_list', input, room: 64 + max * 512 });
  return [...(listed?.map(decodeEntry) ?? [])].map(([id, entry]) => ({ id, ...entry }));
}

function decodeEntry(decoder: Decoder): Omit<TrashEntry, 'id'> {
  return decoder.struct((body) => ({ source: body.u8(), name: body.string(), deletedAt: body.time(), keptUntil: body.time() }));
}

/**
 * Moves an image to the trash, to be kept for so many seconds. Several writes: cut off, it leaves the name's
 * directory entry or `rbd_id` object, and a repeated call finishes.
 *
 * Implements:
 *   int rbd_trash_move(rados_ioctx_t io, const char *name, uint64_t delay);
 */
export async function moveToTrash(io: IoContext, name: string, seconds: number): Promise<void> {
  await io.native.call('rbd_trash_move', io.pointer, name, seconds);
}

/**
 * Declares a move to the trash finished that was cut off before its last write. Done also when it was finished already.
 *
 * Implements: cls_rbd trash_state_set on `rbd_trash`.
 */
export async function endTrashMove(io: IoContext, id: string): Promise<void> {
  using operation = new WriteOperation(io);
  const input = new Encoder().string(id).u8(NORMAL).u8(MOVING).bytes();
  await operation.exec('rbd', 'trash_state_set', input).run('rbd_trash');
}

/**
 * Removes an image in the trash for good. Throws CephError EBUSY or ENOTEMPTY while it has snapshots, clones or watchers,
 * EUCLEAN while its move to the trash is not finished.
 *
 * Implements:
 *   int rbd_trash_remove_with_progress(rados_ioctx_t io, const char *id, bool force, librbd_progress_fn_t cb, void *cbdata);
 */
export async function purgeFromTrash(io: IoContext, id: string, progress: Progress): Promise<void> {
  await withProgress(io, progress, (callback) =>
    io.native.call('rbd_trash_remove_with_progress', io.pointer, id, false, callback, null),
  );
}

/**
 * Throws CephError EUCLEAN while the image's move to the trash is not finished.
 *
 * Implements:
 *   int rbd_trash_restore(rados_ioctx_t io, const char *id, const char *name);
 */
export async function restoreFromTrash(io: IoContext, id: string, name: string): Promise<void> {
  await io.native.call('rbd_trash_restore', io.pointer, id, name);
}
