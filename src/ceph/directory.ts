/**
 * Names and ids of a pool's images: the object `rbd_id.<name>`, and the directory `rbd_directory`, which has both ways.
 * A rename or a move to the trash that was cut off can leave the first behind; what the directory says counts.
 */
import { findAnswer } from './class-method.ts';
import { Encoder } from './codec.ts';
import { isErrno, isMismatch } from './errors.ts';
import type { IoContext } from './io-context.ts';
import { WriteOperation } from './operation.ts';

const DIRECTORY = 'rbd_directory';

/**
 * The id behind an image's name. One round trip.
 *
 * Implements: cls_rbd get_id on `rbd_id.<name>`.
 */
export async function findImageId(io: IoContext, name: string): Promise<string | undefined> {
  return (await findAnswer(io, `rbd_id.${name}`, { method: 'get_id' }))?.string();
}

/**
 * Drops the `rbd_id` of a name while it holds that id, or finds it gone; one that holds another by now stays. One round trip.
 */
export async function dropIdObject(io: IoContext, name: string, id: string): Promise<void> {
  using operation = new WriteOperation(io);
  try {
    await operation.compareContent(new Encoder().string(id).bytes()).remove().run(`rbd_id.${name}`);
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isMismatch(error)) throw error;
  }
}

/**
 * The id that the pool's directory has for a name. One round trip.
 *
 * Implements: cls_rbd dir_get_id on `rbd_directory`.
 */
export async function findDirectoryId(io: IoContext, name: string): Promise<string | undefined> {
  return (await findAnswer(io, DIRECTORY, { method: 'dir_get_id', input: new Encoder().string(name) }))?.string();
}

/**
 * The name that the pool's directory has for an id. One round trip.
 *
 * Implements: cls_rbd dir_get_name on `rbd_directory`.
 */
export async function findDirectoryName(io: IoContext, id: string): Promise<string | undefined> {
  return (await findAnswer(io, DIRECTORY, { method: 'dir_get_name', input: new Encoder().string(id) }))?.string();
}

/**
 * Names and ids of images behind a name, in the order of names. One round trip.
 *
 * Implements: cls_rbd dir_list on `rbd_directory`.
 */
export async function listDirectory(io: IoContext, after: string, max: number): Promise<Map<string, string>> {
  const input = new Encoder().string(after).u64(BigInt(max));
  const listed = await findAnswer(io, DIRECTORY, { method: 'dir_list', input, room: 64 + max * 256 });
  return listed?.map((decoder) => decoder.string()) ?? new Map();
}
