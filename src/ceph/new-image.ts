/**
 * The objects of a new, empty image, each written by one round trip: what librbd's CreateRequest writes for an image
 * without journal, stripes and data pool, in its order, less what it looks up before and behind. Whatever else librbd
 * would find of such an image is read from these. An image of format 1 by the same name goes unseen.
 */
import { Encoder } from './codec.ts';
import type { IoContext } from './io-context.ts';
import { ReadOperation, WriteOperation } from './operation.ts';

const DIRECTORY = 'rbd_directory';
/** A namespace that is being removed takes no new images. */
const DIRECTORY_READY = 0;
const OBJECT_NONEXISTENT = 0;
/** -1 as a signed 64-bit integer. */
const NO_DATA_POOL = 0xffffffffffffffffn;

export interface NewImage {
  readonly name: string;
  /** At most 14 characters, for the kernel client. */
  readonly id: string;
  /** Bytes. */
  readonly size: bigint;
  /** log2 of the object size. */
  readonly order: number;
  readonly features: bigint;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Throws CephError EEXIST for a name (or id) that is taken. Implements: cls_rbd dir_add_image on `rbd_directory`. */
export async function addToDirectory(io: IoContext, { name, id }: NewImage): Promise<void> {
  using operation = new WriteOperation(io);
  // As librbd does: only a namespace has its directory from the start, and can be on its way out.
  if (io.namespace !== '') operation.exec('rbd', 'dir_state_assert', new Encoder().u8(DIRECTORY_READY).bytes());
  operation.exec('rbd', 'dir_add_image', new Encoder().string(name).string(id).bytes());
  await operation.run(DIRECTORY);
}

/** Implements: cls_rbd dir_remove_image on `rbd_directory`. */
export async function removeFromDirectory(io: IoContext, { name, id }: NewImage): Promise<void> {
  using operation = new WriteOperation(io);
  operation.exec('rbd', 'dir_remove_image', new Encoder().string(name).string(id).bytes());
  await operation.run(DIRECTORY);
}

/** Throws CephError EEXIST when there is one. Implements: cls_rbd set_id on `rbd_id.<name>`. */
export async function createIdObject(io: IoContext, { name, id }: NewImage): Promise<void> {
  using operation = new WriteOperation(io);
  operation.createExclusive().exec('rbd', 'set_id', new Encoder().string(id).bytes());
  await operation.run(`rbd_id.${name}`);
}

/** Implements: cls_rbd object_map_resize on `rbd_object_map.<id>`. */
export async function createObjectMap(io: IoContext, { id, size, order }: NewImage): Promise<void> {
  const objects = (size + (1n << BigInt(order)) - 1n) >> BigInt(order);
  using operation = new WriteOperation(io);
  operation.createExclusive();
  operation.exec('rbd', 'object_map_resize', new Encoder().u64(objects).u8(OBJECT_NONEXISTENT).bytes());
  await operation.run(`rbd_object_map.${id}`);
}

/** With it the image is there, its metadata included. Implements: cls_rbd create and metadata_set on `rbd_header.<id>`. */
export async function createHeader(io: IoContext, { id, size, order, features, metadata }: NewImage): Promise<void> {
  const shape = new Encoder().u64(size).u8(order).u64(features).string(`rbd_data.${id}`).u64(NO_DATA_POOL);
  const pairs = new Encoder().u32(metadata.size);
  for (const [key, value] of metadata) pairs.string(key).string(value);
  using operation = new WriteOperation(io);
  operation.createExclusive().exec('rbd', 'create', shape.bytes()).exec('rbd', 'metadata_set', pairs.bytes());
  await operation.run(`rbd_header.${id}`);
}

/** What a pool's `rbd_info` holds once librbd has seen that it takes snapshots and overwrites; '' until then. */
export async function readPoolInfo(io: IoContext): Promise<string> {
  using operation = new ReadOperation(io);
  const content = operation.read(64);
  await operation.run('rbd_info');
  return content().toString();
}
