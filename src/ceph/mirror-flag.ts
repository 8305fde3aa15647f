import { Encoder } from './codec.ts';
import type { IoContext } from './io-context.ts';
import { WriteOperation } from './operation.ts';

/**
 * Takes from an image's header the flag that makes it read-only as somebody's copy: the second write of librbd's promote. Only
 * for an image whose newest mirror snapshot says that it is primary. Throws CephError ENOENT when the image is gone.
 *
 * Implements: cls_rbd set_features on `rbd_header.<id>`.
 */
export async function dropNonPrimaryFlag(io: IoContext, id: string, flag: bigint): Promise<void> {
  using operation = new WriteOperation(io);
  operation.assertExists();
  operation.exec('rbd', 'set_features', new Encoder().u64(0n).u64(flag).bytes());
  await operation.run(`rbd_header.${id}`);
}
