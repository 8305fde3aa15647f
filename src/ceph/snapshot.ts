import { orGone } from './errors.ts';
import type { Image } from './image.ts';

/** RBD_SNAP_CREATE_SKIP_QUIESCE: nobody of ours quiesces through librbd; the question costs a notify to all watchers. */
const SKIP_QUIESCE = 1;

/**
 * Takes a snapshot. Throws CephError EEXIST for a name that is taken.
 *
 * Implements:
 *   int rbd_snap_create2(rbd_image_t image, const char *snap_name, uint32_t flags, librbd_progress_fn_t cb, void *cbdata);
 */
export async function takeSnapshot(image: Image, name: string): Promise<void> {
  await image.io.native.call('rbd_snap_create2', image.pointer, name, SKIP_QUIESCE, null, null);
}

/**
 * The id of a snapshot in the user's namespace, as the open image knows it.
 *
 * Implements:
 *   int rbd_snap_get_id(rbd_image_t image, const char *snapname, uint64_t *snap_id);
 */
export async function snapshotIdOf(image: Image, name: string): Promise<bigint> {
  const out = Buffer.alloc(8);
  await image.io.native.call('rbd_snap_get_id', image.pointer, name, out);
  return out.readBigUInt64LE();
}

/**
 * Removes a snapshot, or finds it gone. With clones it moves to the image's trash namespace until the last is gone.
 *
 * Implements:
 *   int rbd_snap_remove(rbd_image_t image, const char *snapname);
 */
export async function dropSnapshot(image: Image, name: string): Promise<void> {
  await orGone(image.io.native.call('rbd_snap_remove', image.pointer, name));
}

/**
 * Removes a snapshot of any namespace, or finds it gone.
 *
 * Implements:
 *   int rbd_snap_remove_by_id(rbd_image_t image, uint64_t snap_id);
 */
export async function dropSnapshotById(image: Image, snapshotId: bigint): Promise<void> {
  await orGone(image.io.native.call('rbd_snap_remove_by_id', image.pointer, snapshotId));
}

/**
 * Makes the handle show the image as it was at a snapshot of any namespace.
 *
 * Implements:
 *   int rbd_snap_set_by_id(rbd_image_t image, uint64_t snap_id);
 */
export async function showSnapshot(image: Image, snapshotId: bigint): Promise<void> {
  await image.io.native.call('rbd_snap_set_by_id', image.pointer, snapshotId);
}

export interface ByteRange {
  readonly offset: bigint;
  readonly length: bigint;
}

export interface DiffOptions {
  /** Extents after which to stop. */
  readonly max: number;
  /** Whether what shows through from a parent counts. */
  readonly withParents: boolean;
  /** Rounds to whole objects; one look at the object map then answers, when there is one with fast-diff. */
  readonly wholeObjects: boolean;
}

/**
 * Where the shown state differs from an older snapshot, or from nothing (`from` null): ascending extents within the
 * range. Stops early once `max` were found.
 *
 * Implements:
 *   int rbd_diff_iterate2(rbd_image_t image, const char *fromsnapname, uint64_t ofs, uint64_t len, uint8_t include_parent, uint8_t whole_object, int (*cb)(uint64_t, size_t, int, void *), void *arg);
 */
export async function diffImage(
  image: Image,
  from: string | null,
  within: ByteRange & DiffOptions,
): Promise<(ByteRange & { readonly exists: boolean })[]> {
  const { native } = image.io;
  const found: (ByteRange & { readonly exists: boolean })[] = [];
  let full = false;
  using callback = native.callback('rbd_diff_extent', (offset, length, exists) => {
    full = found.length >= within.max;
    if (full) return -1;
    found.push({ offset, length, exists: exists !== 0 });
    return 0;
  });
  try {
    const range = [within.offset, within.length] as const;
    await native.call(
      'rbd_diff_iterate2',
      image.pointer,
      from,
      ...range,
      Number(within.withParents),
      Number(within.wholeObjects),
      callback.pointer,
      null,
    );
  } catch (error) {
    callback.rethrow();
    if (!full) throw error;
  }
  return found;
}
