/**
 * The objects of a new image, each written by one round trip: what librbd's CreateRequest, and its CloneRequest for a
 * clone of format 2, write for an image without a journal, in their order, less what they look up before and behind.
 * Whatever else librbd would find of such an image is read from these. An image of format 1 by the same name goes unseen.
 *
 * librbd takes a write that timed out for one that failed, takes back what it wrote before, and so leaves a header for
 * ever that nothing names (measured, with an OSD that is stopped for longer than `rados_osd_op_timeout`).
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
const DATA_POOL = 1n << 7n;
/** RBD_OPERATION_FEATURE_CLONE_CHILD */
const CLONE_CHILD = 1n << 1n;
/** A ChildImageSpec carries its namespace since its version 2. */
const CHILD_VERSION = 2;

export interface NewImage {
  readonly name: string;
  /** At most 14 characters, for the kernel client. */
  readonly id: string;
  /** Bytes. */
  readonly size: bigint;
  /** log2 of the object size. */
  readonly order: number;
  readonly features: bigint;
  /** Where it differs from one object after the other; in bytes. The feature striping goes with it. */
  readonly stripe: { readonly unit: bigint; readonly count: bigint } | undefined;
  /** Where its data lies when that is not the image's own pool. */
  readonly dataPoolId: bigint | undefined;
  readonly metadata: ReadonlyMap<string, string>;
}

/** A snapshot to clone. */
export interface ParentSnapshot {
  readonly io: IoContext;
  readonly imageId: string;
  readonly snapshotId: bigint;
  /** Bytes of the snapshot. */
  readonly size: bigint;
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
export async function createIdObject(io: IoContext, { name, id }: Pick<NewImage, 'name' | 'id'>): Promise<void> {
  using operation = new WriteOperation(io);
  operation.createExclusive().exec('rbd', 'set_id', new Encoder().string(id).bytes());
  await operation.run(`rbd_id.${name}`);
}

/** Implements: cls_rbd object_map_resize on `rbd_object_map.<id>`. */
export async function createObjectMap(io: IoContext, image: NewImage): Promise<void> {
  const { id } = image;
  const objects = countObjects(image);
  using operation = new WriteOperation(io);
  operation.createExclusive();
  operation.exec('rbd', 'object_map_resize', new Encoder().u64(objects).u8(OBJECT_NONEXISTENT).bytes());
  await operation.run(`rbd_object_map.${id}`);
}

/** As librbd counts them (Striper::get_num_objects): the last stripes of an image may begin more objects than it fills. */
function countObjects({ size, order, stripe }: NewImage): bigint {
  const objectSize = 1n << BigInt(order);
  const { unit, count } = stripe ?? { unit: objectSize, count: 1n };
  const period = objectSize * count;
  const rest = size % period;
  const unused = rest === 0n || rest >= count * unit ? 0n : count - (rest + unit - 1n) / unit;
  return ((size + period - 1n) / period) * count - unused;
}

/** With it the image is there, its metadata included. Implements: cls_rbd create and metadata_set on `rbd_header.<id>`. */
export async function createHeader(io: IoContext, image: NewImage): Promise<void> {
  const { id, size, order, metadata, dataPoolId } = image;
  const features = dataPoolId === undefined ? image.features : image.features | DATA_POOL;
  const prefix = dataPoolId === undefined ? `rbd_data.${id}` : `rbd_data.${io.poolId}.${id}`;
  const shape = new Encoder()
    .u64(size)
    .u8(order)
    .u64(features)
    .string(prefix)
    .u64(dataPoolId ?? NO_DATA_POOL);
  const pairs = new Encoder().u32(metadata.size);
  for (const [key, value] of metadata) pairs.string(key).string(value);
  using operation = new WriteOperation(io);
  operation.createExclusive().exec('rbd', 'create', shape.bytes()).exec('rbd', 'metadata_set', pairs.bytes());
  await operation.run(`rbd_header.${id}`);
}

/** For an image with the feature striping. Implements: cls_rbd set_stripe_unit_count on `rbd_header.<id>`. */
export async function setStripe(io: IoContext, { id, stripe }: NewImage): Promise<void> {
  using operation = new WriteOperation(io);
  operation.exec(
    'rbd',
    'set_stripe_unit_count',
    new Encoder()
      .u64(stripe?.unit ?? 0n)
      .u64(stripe?.count ?? 0n)
      .bytes(),
  );
  await operation.run(`rbd_header.${id}`);
}

/**
 * Lets what the image does not have itself show through from the snapshot.
 *
 * Implements: cls_rbd parent_attach and op_features_set on `rbd_header.<id>`.
 */
export async function attachParent(io: IoContext, { id }: NewImage, parent: ParentSnapshot): Promise<void> {
  const { poolId, namespace } = parent.io;
  const spec = new Encoder().u64(poolId).string(namespace).string(parent.imageId).u64(parent.snapshotId);
  const isReattached = 0;
  using operation = new WriteOperation(io);
  operation.exec('rbd', 'parent_attach', new Encoder().struct(spec).u64(parent.size).u8(isReattached).bytes());
  operation.exec('rbd', 'op_features_set', new Encoder().u64(CLONE_CHILD).u64(CLONE_CHILD).bytes());
  await operation.run(`rbd_header.${id}`);
}

/**
 * Tells the snapshot of its clone, which keeps it from being removed for good. Throws CephError ENOENT when the snapshot
 * is gone. Who has the parent open is not told: librbd asks the header itself whether a snapshot has clones.
 *
 * Implements: cls_rbd child_attach on `rbd_header.<parent's id>`.
 */
export async function attachChild(io: IoContext, { id }: NewImage, parent: ParentSnapshot): Promise<void> {
  const child = new Encoder().u64(io.poolId).string(id).string(io.namespace);
  using operation = new WriteOperation(parent.io);
  operation.assertExists();
  operation.exec('rbd', 'child_attach', new Encoder().u64(parent.snapshotId).struct(child, CHILD_VERSION).bytes());
  await operation.run(`rbd_header.${parent.imageId}`);
}

/** What a pool's `rbd_info` holds once librbd has seen that it takes snapshots and overwrites; '' until then. */
export async function readPoolInfo(io: IoContext): Promise<string> {
  using operation = new ReadOperation(io);
  const content = operation.read(64);
  await operation.run('rbd_info');
  return content().toString();
}
