import { findAnswer } from './class-method.ts';
import { Decoder } from './codec.ts';
import type { IoContext } from './io-context.ts';

/**
 * Which objects of an image hold something that changed since its snapshot before (bit pairs, four objects a byte, as Ceph
 * keeps them; 1 stands for changed with fast-diff): of a snapshot, or of the image as it is now. Undefined when it has no
 * object map. One round trip.
 *
 * Implements: cls_rbd object_map_load on `rbd_object_map.<id>[.<snapshot>]`.
 */
export async function findObjectMap(
  io: IoContext,
  id: string,
  of: { readonly snapshotId: bigint | undefined; readonly objects: bigint },
): Promise<Buffer | undefined> {
  const suffix = of.snapshotId === undefined ? '' : `.${of.snapshotId.toString(16).padStart(16, '0')}`;
  // The states, a checksum for each 4 KiB of them, and a header.
  const room = Math.ceil((Number(of.objects) / 4) * 1.01) + 4096;
  const answer = await findAnswer(io, `rbd_object_map.${id}${suffix}`, { method: 'object_map_load', room });
  if (answer === undefined) return undefined;
  const count = new Decoder(answer.bytes()).struct((header) => header.u64());
  return answer.rest(Math.ceil(Number(count) / 4));
}
