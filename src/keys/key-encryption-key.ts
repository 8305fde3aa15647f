import type { Wrapped } from './stored-key.ts';

/** One entry of the configuration: what wraps data keys, each for the volume of that handle. */
export interface KeyEncryptionKey {
  /** By the version that is in use now. */
  wrap(dataKey: Buffer, handle: string): Promise<Wrapped>;
  /** By the version that wrapped it. Throws `precondition` when that is gone, or does not open it. */
  unwrap(wrapped: Wrapped, handle: string): Promise<Buffer>;
}
