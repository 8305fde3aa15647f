import type { FreshImage } from './record.ts';

/** What came of making an image: it is as wanted, but for its record where `marked` is false. */
export interface Made extends FreshImage {
  /** Bytes of the image. */
  readonly size: bigint;
  readonly marked: boolean;
}
