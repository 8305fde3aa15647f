/** Keys and values of an image, as `rbd image-meta` shows them, read and changed without opening it. */
import { withRoom } from './class-method.ts';
import { Decoder, Encoder } from './codec.ts';
import type { IoContext } from './io-context.ts';
import { ReadOperation, WriteOperation } from './operation.ts';

/** Bytes that one value may have. */
export const VALUE_ROOM = 16 * 1024;
/** Keys in one answer. */
const PAGE = 64;
/** Bytes that so many of ours have: a person's may have more. */
const PAGE_ROOM = 64 * 1024;

/**
 * All metadata of an image. One round trip for each 64 keys.
 *
 * Implements: cls_rbd metadata_list on `rbd_header.<id>`.
 */
export async function listMetadata(io: IoContext, id: string): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (let after = ''; ; ) {
    const page = await withRoom((times) => listPage(io, id, { after, room: times * PAGE_ROOM }));
    for (const [key, value] of page) all.set(key, value);
    const last = [...page.keys()].at(-1);
    if (last === undefined || page.size < PAGE) return all;
    after = last;
  }
}

async function listPage(io: IoContext, id: string, { after, room }: { after: string; room: number }): Promise<Map<string, string>> {
  using operation = new ReadOperation(io);
  const input = new Encoder().string(after).u64(BigInt(PAGE)).bytes();
  const listed = operation.exec('rbd', 'metadata_list', input, room);
  await operation.run(`rbd_header.${id}`);
  return new Decoder(listed()).map((decoder) => decoder.string());
}

/**
 * Changes metadata, all keys or none, in one round trip. Not for an image with the journaling feature: its mirror
 * would not hear of it. Throws CephError ENOENT when the image is gone.
 *
 * Implements: cls_rbd metadata_set and metadata_remove on `rbd_header.<id>`.
 */
export async function changeMetadata(
  io: IoContext,
  id: string,
  change: { readonly set?: ReadonlyMap<string, string>; readonly remove?: readonly string[] },
): Promise<void> {
  using operation = new WriteOperation(io);
  operation.assertExists();
  if (change.set !== undefined && change.set.size > 0) {
    const input = new Encoder().u32(change.set.size);
    for (const [key, value] of change.set) input.string(key).string(value);
    operation.exec('rbd', 'metadata_set', input.bytes());
  }
  for (const key of change.remove ?? []) operation.exec('rbd', 'metadata_remove', new Encoder().string(key).bytes());
  await operation.run(`rbd_header.${id}`);
}
