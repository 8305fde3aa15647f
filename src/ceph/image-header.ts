/**
 * What an image's own objects say, read and written without opening it: as the kernel client does, by methods of the
 * OSD's object class `rbd` (src/cls/rbd/cls_rbd.cc of Ceph). One round trip answers many of them.
 */
import { Decoder, Encoder } from './codec.ts';
import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';
import { ReadOperation, WriteOperation } from './operation.ts';

const NO_SNAPSHOT = 0xfffffffffffffffen;
const METADATA_ROOM = 16 * 1024;

export interface Parent {
  readonly poolId: bigint;
  readonly namespace: string;
  readonly imageId: string;
  readonly snapshotId: bigint;
}

export interface ImageHeader {
  readonly id: string;
  /** Bytes. */
  readonly size: bigint;
  /** log2 of the object size. */
  readonly order: number;
  readonly features: bigint;
  readonly parent: Parent | undefined;
  /** Ids of all snapshots, newest first, those in other namespaces than the user's included. */
  readonly snapshotIds: readonly bigint[];
  readonly dataPoolId: bigint | undefined;
  /** Milliseconds since the epoch; 0 where an old client made the image. */
  readonly createdAt: number;
  readonly stripeUnit: bigint;
  readonly stripeCount: bigint;
  /** Client numbers (as `Watcher.client` has them) that hold the exclusive lock: none or one. */
  readonly lockers: readonly bigint[];
  /** Of the keys asked for, those that are set. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * The id behind an image's name. One round trip.
 *
 * Implements: cls_rbd get_id on `rbd_id.<name>`.
 */
export async function findImageId(io: IoContext, name: string): Promise<string | undefined> {
  using operation = new ReadOperation(io);
  const id = operation.exec('rbd', 'get_id', Buffer.alloc(0));
  try {
    await operation.run(`rbd_id.${name}`);
    return new Decoder(id()).string();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * The id that the pool's directory has for a name. One round trip.
 *
 * Implements: cls_rbd dir_get_id on `rbd_directory`.
 */
export async function findDirectoryId(io: IoContext, name: string): Promise<string | undefined> {
  using operation = new ReadOperation(io);
  const id = operation.exec('rbd', 'dir_get_id', new Encoder().string(name).bytes());
  try {
    await operation.run('rbd_directory');
    return new Decoder(id()).string();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * The name that the pool's directory has for an id. One round trip.
 *
 * Implements: cls_rbd dir_get_name on `rbd_directory`.
 */
export async function findDirectoryName(io: IoContext, id: string): Promise<string | undefined> {
  using operation = new ReadOperation(io);
  const name = operation.exec('rbd', 'dir_get_name', new Encoder().string(id).bytes());
  try {
    await operation.run('rbd_directory');
    return new Decoder(name()).string();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Names and ids of images behind a name, in the order of names. One round trip.
 *
 * Implements: cls_rbd dir_list on `rbd_directory`.
 */
export async function listDirectory(io: IoContext, after: string, max: number): Promise<Map<string, string>> {
  using operation = new ReadOperation(io);
  const input = new Encoder().string(after).u64(BigInt(max)).bytes();
  const listed = operation.exec('rbd', 'dir_list', input, 64 + max * 256);
  try {
    await operation.run('rbd_directory');
    return new Decoder(listed()).map((decoder) => decoder.string());
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return new Map();
    throw error;
  }
}

/**
 * All that is asked of an image, in one round trip; undefined when it has no header.
 *
 * Implements: cls_rbd get_size, get_features, get_snapcontext, parent_get, get_data_pool, get_create_timestamp,
 * get_stripe_unit_count and metadata_get, and cls_lock get_info, on `rbd_header.<id>`.
 */
export async function findHeader(io: IoContext, id: string, keys: readonly string[]): Promise<ImageHeader | undefined> {
  using operation = new ReadOperation(io);
  const head = new Encoder().u64(NO_SNAPSHOT).bytes();
  const none = Buffer.alloc(0);
  const size = operation.exec('rbd', 'get_size', head);
  const features = operation.exec('rbd', 'get_features', head);
  const snapshots = operation.exec('rbd', 'get_snapcontext', none, 16 * 1024);
  const parent = operation.exec('rbd', 'parent_get', none, 1024);
  const dataPool = operation.exec('rbd', 'get_data_pool', none);
  const created = operation.exec('rbd', 'get_create_timestamp', none);
  const stripe = operation.exec('rbd', 'get_stripe_unit_count', none);
  const lock = operation.exec('lock', 'get_info', new Encoder().struct(new Encoder().string('rbd_lock')).bytes(), 1024);
  const values = keys.map((key) => operation.exec('rbd', 'metadata_get', new Encoder().string(key).bytes(), METADATA_ROOM));
  try {
    await operation.run(`rbd_header.${id}`);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  return decodeHeader();

  function decodeHeader(): ImageHeader {
    const sizes = new Decoder(size());
    const [order, bytes] = [sizes.u8(), sizes.u64()];
    const context = new Decoder(snapshots());
    context.u64();
    const layout = optional(stripe);
    const pool = optional(dataPool)?.s64();
    return {
      id,
      order,
      size: bytes,
      features: new Decoder(features()).u64(),
      snapshotIds: context.list((decoder) => decoder.u64()),
      parent: decodeParent(optional(parent)),
      dataPoolId: pool === undefined || pool < 0n ? undefined : pool,
      createdAt: optional(created)?.time() ?? 0,
      stripeUnit: layout?.u64() ?? 0n,
      stripeCount: layout?.u64() ?? 0n,
      lockers: optional(lock)?.struct((body) => body.list(decodeLocker)) ?? [],
      metadata: decodeMetadata(keys, values),
    };
  }
}

/** Undefined for a method whose feature the image has not, or that the OSD does not know. */
function optional(answer: () => Buffer): Decoder | undefined {
  try {
    return new Decoder(answer());
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EINVAL', 'ENOEXEC', 'EOPNOTSUPP')) return undefined;
    throw error;
  }
}

function decodeParent(decoder: Decoder | undefined): Parent | undefined {
  const parent = decoder?.struct((body) => ({
    poolId: body.s64(),
    namespace: body.string(),
    imageId: body.string(),
    snapshotId: body.u64(),
  }));
  return parent === undefined || parent.poolId < 0n ? undefined : parent;
}

/** A locker_id_t (entity name and cookie), and behind it a locker_info_t that is passed over. */
function decodeLocker(decoder: Decoder): bigint {
  const client = decoder.struct((body) => {
    body.u8();
    return body.s64();
  });
  decoder.struct(() => undefined);
  return client;
}

function decodeMetadata(keys: readonly string[], values: readonly (() => Buffer)[]): Map<string, string> {
  const metadata = new Map<string, string>();
  values.forEach((value, index) => {
    const text = optional(value)?.string();
    const key = keys[index];
    if (text !== undefined && key !== undefined) metadata.set(key, text);
  });
  return metadata;
}

export type SnapshotNamespace =
  | { readonly kind: 'user' }
  | { readonly kind: 'group'; readonly groupPoolId: bigint; readonly groupId: string; readonly groupSnapshotId: string }
  | { readonly kind: 'trash'; readonly originalName: string }
  | { readonly kind: 'other' };

export interface SnapshotInfo {
  readonly id: bigint;
  readonly name: string;
  readonly size: bigint;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Clones of format 2 that were made from it. */
  readonly children: number;
  readonly namespace: SnapshotNamespace;
}

/** Steps in one compound read; the OSD refuses more than some hundreds. */
const BATCH = 64;

/**
 * What the header says of these snapshots, those gone meanwhile left out. One round trip for each 64.
 *
 * Implements: cls_rbd snapshot_get on `rbd_header.<id>`.
 */
export async function readSnapshots(io: IoContext, id: string, snapshotIds: readonly bigint[]): Promise<SnapshotInfo[]> {
  const found: SnapshotInfo[] = [];
  for (let start = 0; start < snapshotIds.length; start += BATCH) {
    using operation = new ReadOperation(io);
    const answers = snapshotIds
      .slice(start, start + BATCH)
      .map((snapshotId) => operation.exec('rbd', 'snapshot_get', new Encoder().u64(snapshotId).bytes(), 1024));
    await operation.run(`rbd_header.${id}`);
    for (const answer of answers) {
      const decoder = optional(answer);
      if (decoder !== undefined) found.push(decodeSnapshot(decoder));
    }
  }
  return found;
}

function decodeSnapshot(decoder: Decoder): SnapshotInfo {
  return decoder.struct((body) => ({
    id: body.u64(),
    namespace: body.struct(decodeNamespace),
    name: body.string(),
    size: body.u64(),
    createdAt: body.time(),
    children: body.u32(),
  }));
}

function decodeNamespace(body: Decoder): SnapshotNamespace {
  switch (body.u32()) {
    case 0:
      return { kind: 'user' };
    case 1:
      return { kind: 'group', groupPoolId: body.s64(), groupId: body.string(), groupSnapshotId: body.string() };
    case 2:
      return { kind: 'trash', originalName: body.string() };
    default:
      return { kind: 'other' };
  }
}

export interface Child {
  readonly poolId: bigint;
  readonly namespace: string;
  readonly imageId: string;
}

/**
 * The clones of a snapshot. One round trip.
 *
 * Implements: cls_rbd children_list on `rbd_header.<id>`.
 */
export async function listChildren(io: IoContext, id: string, snapshotId: bigint): Promise<Child[]> {
  using operation = new ReadOperation(io);
  const children = operation.exec('rbd', 'children_list', new Encoder().u64(snapshotId).bytes(), 256 * 1024);
  await operation.run(`rbd_header.${id}`);
  const decode = (body: Decoder): Child => ({ poolId: body.s64(), imageId: body.string(), namespace: body.string() });
  return optional(children)?.list((decoder) => decoder.struct(decode)) ?? [];
}

/**
 * All metadata of an image. One round trip for each 64 keys.
 *
 * Implements: cls_rbd metadata_list on `rbd_header.<id>`.
 */
export async function listMetadata(io: IoContext, id: string): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (let after = ''; ; ) {
    using operation = new ReadOperation(io);
    const input = new Encoder().string(after).u64(BigInt(BATCH)).bytes();
    const listed = operation.exec('rbd', 'metadata_list', input, BATCH * METADATA_ROOM);
    await operation.run(`rbd_header.${id}`);
    const page = new Decoder(listed()).map((decoder) => decoder.string());
    for (const [key, value] of page) all.set(key, value);
    const last = [...page.keys()].at(-1);
    if (last === undefined || page.size < BATCH) return all;
    after = last;
  }
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
