import { taken } from './cluster.ts';
import type { Native, Pointer } from './native/native.ts';

/** RBD_IMAGE_OPTION_* of librbd.h. */
const OPTION = {
  features: 1,
  order: 2,
  stripeUnit: 3,
  stripeCount: 4,
  dataPool: 10,
  cloneFormat: 12,
} as const;

export interface ImageOptions {
  readonly features?: bigint;
  /** log2 of the object size. */
  readonly order?: number;
  readonly stripeUnit?: bigint;
  readonly stripeCount?: bigint;
  readonly dataPool?: string;
  readonly cloneFormat?: 2;
}

/**
 * librbd's option list, for the length of one call.
 *
 * Implements:
 *   void rbd_image_options_create(rbd_image_options_t *opts);
 *   void rbd_image_options_destroy(rbd_image_options_t opts);
 *   int rbd_image_options_set_string(rbd_image_options_t opts, int optname, const char *optval);
 *   int rbd_image_options_set_uint64(rbd_image_options_t opts, int optname, uint64_t optval);
 */
export class NativeImageOptions implements Disposable {
  readonly pointer: Pointer;
  readonly #native: Native;

  constructor(native: Native, options: ImageOptions) {
    const out: (Pointer | null)[] = [null];
    native.now('rbd_image_options_create', out);
    this.#native = native;
    this.pointer = taken(out);
    for (const [name, value] of Object.entries({ ...options })) this.#set(OPTION[name as keyof typeof OPTION], value);
  }

  #set(option: number, value: bigint | number | string | undefined): void {
    if (value === undefined) return;
    if (typeof value === 'string') this.#native.now('rbd_image_options_set_string', this.pointer, option, value);
    else this.#native.now('rbd_image_options_set_uint64', this.pointer, option, value);
  }

  [Symbol.dispose](): void {
    this.#native.now('rbd_image_options_destroy', this.pointer);
  }
}
