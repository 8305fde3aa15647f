/** Mirroring of one image: what librbd does to an open one. What is to be known of it is read in mirror-header.ts. */
import { Image } from './image.ts';
import type { IoContext } from './io-context.ts';

/** RBD_SNAP_CREATE_SKIP_QUIESCE: nobody of ours quiesces through librbd. */
const SKIP_QUIESCE = 1;
/** rbd_mirror_image_mode_t */
export const MIRROR_IMAGE_MODE = { journal: 0, snapshot: 1 } as const;

/**
 * Opens an image and closes it again, without a thread of ours that waits. `Image` as any other, for as long as `work` runs.
 *
 * Implements:
 *   int rbd_aio_open_by_id(rados_ioctx_t io, const char *id, rbd_image_t *image, const char *snap_name, rbd_completion_t c);
 *   int rbd_aio_close(rbd_image_t image, rbd_completion_t c);
 */
export async function withImage<T>(io: IoContext, id: string, work: (image: Image) => Promise<T>): Promise<T> {
  const out = Buffer.alloc(8);
  await io.native.complete('rbd_aio_open_by_id', io.pointer, id, out, null);
  const image = new Image(io, out.readBigUInt64LE());
  try {
    return await work(image);
  } finally {
    await io.native.complete('rbd_aio_close', image.pointer);
  }
}

/**
 * Throws CephError EINVAL when it is mirrored already in another mode, or its parent is not mirrored.
 *
 * Implements:
 *   int rbd_mirror_image_enable2(rbd_image_t image, rbd_mirror_image_mode_t mode);
 */
export async function enableMirror(image: Image, mode: keyof typeof MIRROR_IMAGE_MODE): Promise<void> {
  await image.io.native.call('rbd_mirror_image_enable2', image.pointer, MIRROR_IMAGE_MODE[mode]);
}

/**
 * At the primary the peer's copy goes, too. Without force it throws CephError EINVAL at a secondary.
 *
 * Implements:
 *   int rbd_mirror_image_disable(rbd_image_t image, bool force);
 */
export async function disableMirror(image: Image, force: boolean): Promise<void> {
  await image.io.native.call('rbd_mirror_image_disable', image.pointer, force);
}

/**
 * Marks the image to be thrown away and copied anew by the daemon here.
 *
 * Implements:
 *   int rbd_mirror_image_resync(rbd_image_t image);
 */
export async function askForResync(image: Image): Promise<void> {
  await image.io.native.call('rbd_mirror_image_resync', image.pointer);
}

/**
 * Without force: throws CephError EBUSY or EROFS while it is too early, EINVAL for a primary. That it succeeds is no proof
 * that nothing is lost. With force: waits for every mirror daemon's watch to go, without end; broken off and repeated it may
 * leave a mixture of two states.
 *
 * Implements:
 *   int rbd_aio_mirror_image_promote(rbd_image_t image, bool force, rbd_completion_t c);
 */
export async function promoteImage(image: Image, force: boolean): Promise<void> {
  await image.io.native.complete('rbd_aio_mirror_image_promote', image.pointer, force);
}

/**
 * Its writers get errors from then on. Throws CephError EINVAL for what is not primary.
 *
 * Implements:
 *   int rbd_aio_mirror_image_demote(rbd_image_t image, rbd_completion_t c);
 */
export async function demoteImage(image: Image): Promise<void> {
  await image.io.native.complete('rbd_aio_mirror_image_demote', image.pointer);
}

/**
 * Gives the new snapshot's id. Throws CephError EINVAL where no peer could copy it, or the image is not primary.
 *
 * Implements:
 *   int rbd_aio_mirror_image_create_snapshot(rbd_image_t image, uint32_t flags, uint64_t *snap_id, rbd_completion_t c);
 */
export async function takeMirrorSnapshot(image: Image): Promise<bigint> {
  const out = Buffer.alloc(8);
  await image.io.native.complete('rbd_aio_mirror_image_create_snapshot', image.pointer, SKIP_QUIESCE, out);
  return out.readBigUInt64LE();
}
