import { splitNames, taken } from './cluster.ts';
import { isErrno } from './errors.ts';
import { type ImageOptions, NativeImageOptions } from './image-options.ts';
import type { IoContext } from './io-context.ts';
import { copyString, type Pointer } from './native/native.ts';

/** sizeof(rbd_image_watcher_t): a pointer to the address, an id, a cookie. */
const WATCHER_BYTES = 24;
const LOCKERS_ROOM = 4096;

/** Told how far a long call is; units are the call's own (objects for flatten and removal). */
export type Progress = (done: bigint, total: bigint) => void;

/** Runs a call that reports progress, and throws what the listener threw. */
export async function withProgress(io: IoContext, progress: Progress, run: (callback: Pointer) => Promise<unknown>): Promise<void> {
  using callback = io.native.callback('rbd_progress', (done, total) => {
    progress(done, total);
    return 0;
  });
  try {
    await run(callback.pointer);
  } finally {
    callback.rethrow();
  }
}

/**
 * Makes an empty image. Throws CephError EEXIST for a name that is taken. When it is cut off it leaves an image cut
 * after any of its writes, and a repeated call answers EEXIST.
 *
 * Implements:
 *   int rbd_create4(rados_ioctx_t io, const char *name, uint64_t size, rbd_image_options_t opts);
 */
export async function createImage(io: IoContext, name: string, want: { size: bigint; options: ImageOptions }): Promise<void> {
  using options = new NativeImageOptions(io.native, want.options);
  await io.native.call('rbd_create4', io.pointer, name, want.size, options.pointer);
}

/**
 * Makes a copy-on-write clone of a snapshot in the user's namespace; the clone inherits the parent's metadata.
 *
 * Implements:
 *   int rbd_clone3(rados_ioctx_t p_ioctx, const char *p_name, const char *p_snapname, rados_ioctx_t c_ioctx, const char *c_name, rbd_image_options_t c_opts);
 */
export async function cloneImage(
  parent: { readonly io: IoContext; readonly image: string; readonly snapshot: string },
  child: { readonly io: IoContext; readonly image: string; readonly options: ImageOptions },
): Promise<void> {
  const { native } = child.io;
  using options = new NativeImageOptions(native, { ...child.options, cloneFormat: 2 });
  const from = [parent.io.pointer, parent.image, parent.snapshot] as const;
  await native.call('rbd_clone3', ...from, child.io.pointer, child.image, options.pointer);
}

/**
 * Removes an image that has no snapshots and no watchers, and what a cut-off creation left of one.
 *
 * Implements:
 *   int rbd_remove(rados_ioctx_t io, const char *name);
 */
export async function removeImage(io: IoContext, name: string): Promise<void> {
  await io.native.call('rbd_remove', io.pointer, name);
}

/**
 * Implements:
 *   int rbd_rename(rados_ioctx_t src_io_ctx, const char *srcname, const char *destname);
 */
export async function renameImage(io: IoContext, from: string, to: string): Promise<void> {
  await io.native.call('rbd_rename', io.pointer, from, to);
}

export interface Watcher {
  /** `address:port/nonce`. */
  readonly address: string;
  readonly client: bigint;
}

/** How an image is opened: `id` opens one in the trash too; reading leaves no watch. */
export type Opening = { readonly name: string } | { readonly id: string };

/** An open image. Close it: an open one that may write holds a watch, and others see it in use. */
export class Image implements AsyncDisposable {
  readonly io: IoContext;
  readonly pointer: Pointer;

  constructor(io: IoContext, pointer: Pointer) {
    this.io = io;
    this.pointer = pointer;
  }

  /**
   * Implements:
   *   int rbd_open(rados_ioctx_t io, const char *name, rbd_image_t *image, const char *snap_name);
   *   int rbd_open_by_id(rados_ioctx_t io, const char *id, rbd_image_t *image, const char *snap_name);
   */
  static async open(io: IoContext, image: Opening): Promise<Image> {
    const out: (Pointer | null)[] = [null];
    if ('name' in image) await io.native.call('rbd_open', io.pointer, image.name, out, null);
    else await io.native.call('rbd_open_by_id', io.pointer, image.id, out, null);
    return new Image(io, taken(out));
  }

  /**
   * Implements:
   *   int rbd_open_read_only(rados_ioctx_t io, const char *name, rbd_image_t *image, const char *snap_name);
   *   int rbd_open_by_id_read_only(rados_ioctx_t io, const char *id, rbd_image_t *image, const char *snap_name);
   */
  static async openReadOnly(io: IoContext, image: Opening, snapshot: string | null = null): Promise<Image> {
    const out: (Pointer | null)[] = [null];
    if ('name' in image) await io.native.call('rbd_open_read_only', io.pointer, image.name, out, snapshot);
    else await io.native.call('rbd_open_by_id_read_only', io.pointer, image.id, out, snapshot);
    return new Image(io, taken(out));
  }

  /**
   * Bytes.
   *
   * Implements:
   *   int rbd_get_size(rbd_image_t image, uint64_t *size);
   */
  async size(): Promise<bigint> {
    const out = Buffer.alloc(8);
    await this.io.native.call('rbd_get_size', this.pointer, out);
    return out.readBigUInt64LE();
  }

  /**
   * Grows the image; refuses to shrink (EINVAL).
   *
   * Implements:
   *   int rbd_resize2(rbd_image_t image, uint64_t size, bool allow_shrink, librbd_progress_fn_t cb, void *cbdata);
   */
  async grow(size: bigint): Promise<void> {
    await this.io.native.call('rbd_resize2', this.pointer, size, false, null, null);
  }

  /**
   * Implements:
   *   int rbd_metadata_set(rbd_image_t image, const char *key, const char *value);
   */
  async setMetadata(key: string, value: string): Promise<void> {
    await this.io.native.call('rbd_metadata_set', this.pointer, key, value);
  }

  /**
   * Implements:
   *   int rbd_metadata_remove(rbd_image_t image, const char *key);
   */
  async removeMetadata(key: string): Promise<void> {
    await this.io.native.call('rbd_metadata_remove', this.pointer, key);
  }

  /**
   * Who has the image open for writing, this handle included unless it is read-only.
   *
   * Implements:
   *   int rbd_watchers_list(rbd_image_t image, rbd_image_watcher_t *watchers, size_t *max_watchers);
   *   void rbd_watchers_list_cleanup(rbd_image_watcher_t *watchers, size_t num_watchers);
   */
  async watchers(): Promise<Watcher[]> {
    const { native } = this.io;
    for (let room = 16; ; room *= 4) {
      const count = sizeBuffer(room);
      const memory = Buffer.alloc(room * WATCHER_BYTES);
      try {
        await native.call('rbd_watchers_list', this.pointer, memory, count);
      } catch (error) {
        if (isErrno(error, 'ERANGE')) continue;
        throw error;
      }
      const found = Number(count.readBigUInt64LE());
      const watchers = Array.from({ length: found }, (_, index) => readWatcher(memory.subarray(index * WATCHER_BYTES)));
      native.now('rbd_watchers_list_cleanup', memory, found);
      return watchers;
    }
  }

  /**
   * Who holds the exclusive lock, as the image had it when it was opened: none or one.
   *
   * Implements:
   *   ssize_t rbd_list_lockers(rbd_image_t image, int *exclusive, char *tag, size_t *tag_len, char *clients, size_t *clients_len, char *cookies, size_t *cookies_len, char *addrs, size_t *addrs_len);
   */
  async lockers(): Promise<Watcher[]> {
    const texts = Array.from({ length: 4 }, () => Buffer.alloc(LOCKERS_ROOM));
    const lengths = texts.map(({ length }) => sizeBuffer(length));
    const pairs = texts.flatMap((text, index) => [text, lengths[index] ?? null]);
    await this.io.native.call('rbd_list_lockers', this.pointer, Buffer.alloc(4), ...pairs);
    const [, clients = [], , addresses = []] = texts.map((text, index) =>
      splitNames(text.subarray(0, Number(lengths[index]?.readBigUInt64LE()))),
    );
    return clients.map((client, index) => ({ client: BigInt(client.replace('client.', '')), address: addresses[index] ?? '' }));
  }

  /**
   * Copies all data of the parents into the image, and lets go of them.
   *
   * Implements:
   *   int rbd_flatten_with_progress(rbd_image_t image, librbd_progress_fn_t cb, void *cbdata);
   */
  async flatten(progress: Progress): Promise<void> {
    await withProgress(this.io, progress, (callback) =>
      this.io.native.call('rbd_flatten_with_progress', this.pointer, callback, null),
    );
  }

  /**
   * Throws CephError EINVAL for a feature that others are needed for.
   *
   * Implements:
   *   int rbd_update_features(rbd_image_t image, uint64_t features, uint8_t enabled);
   */
  async enableFeatures(features: bigint): Promise<void> {
    await this.io.native.call('rbd_update_features', this.pointer, features, 1);
  }

  /**
   * Implements:
   *   int rbd_close(rbd_image_t image);
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.io.native.call('rbd_close', this.pointer);
  }
}

/** Memory for a size_t that C reads and writes. */
function sizeBuffer(size: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(size));
  return buffer;
}

function readWatcher(memory: Buffer): Watcher {
  return { address: copyString(memory.readBigUInt64LE(0)), client: memory.readBigInt64LE(8) };
}
