/**
 * What an image's header says, read without opening it: as the kernel client does, by methods of the OSD's object
 * class `rbd` (src/cls/rbd/cls_rbd.cc of Ceph). One round trip answers many of them. Its snapshots are in
 * image-snapshots.ts, its metadata in metadata.ts.
 */
import { optional, withRoom } from './class-method.ts';
import { Decoder, Encoder } from './codec.ts';
import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';
import { VALUE_ROOM } from './metadata.ts';
import { ReadOperation } from './operation.ts';

const NO_SNAPSHOT = 0xfffffffffffffffen;

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
 * All that is asked of an image, in one round trip unless it has thousands of snapshots or dozens of lockers; undefined when it
 * has no header.
 *
 * Implements: cls_rbd get_size, get_features, get_snapcontext, parent_get, get_data_pool, get_create_timestamp,
 * get_stripe_unit_count and metadata_get, and cls_lock get_info, on `rbd_header.<id>`.
 */
export async function findHeader(io: IoContext, id: string, keys: readonly string[]): Promise<ImageHeader | undefined> {
  return await withRoom((times) => readHeader(io, id, { keys, times }));
}

interface Wanted {
  readonly keys: readonly string[];
  /** The usual room, so many times. */
  readonly times: number;
}

async function readHeader(io: IoContext, id: string, { keys, times }: Wanted): Promise<ImageHeader | undefined> {
  using operation = new ReadOperation(io);
  const head = new Encoder().u64(NO_SNAPSHOT).bytes();
  const none = Buffer.alloc(0);
  const size = operation.exec('rbd', 'get_size', head);
  const features = operation.exec('rbd', 'get_features', head);
  const snapshots = operation.exec('rbd', 'get_snapcontext', none, times * 16 * 1024);
  const parent = operation.exec('rbd', 'parent_get', none, 1024);
  const dataPool = operation.exec('rbd', 'get_data_pool', none);
  const created = operation.exec('rbd', 'get_create_timestamp', none);
  const stripe = operation.exec('rbd', 'get_stripe_unit_count', none);
  const lockName = new Encoder().struct(new Encoder().string('rbd_lock')).bytes();
  const lock = operation.exec('lock', 'get_info', lockName, times * 1024);
  const values = keys.map((key) => operation.exec('rbd', 'metadata_get', new Encoder().string(key).bytes(), VALUE_ROOM));
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

export function decodeParent(decoder: Decoder | undefined): Parent | undefined {
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

export function decodeMetadata(keys: readonly string[], values: readonly (() => Buffer)[]): Map<string, string> {
  const metadata = new Map<string, string>();
  values.forEach((value, index) => {
    const text = readValue(value);
    const key = keys[index];
    if (text !== undefined && key !== undefined) metadata.set(key, text);
  });
  return metadata;
}

/** Undefined also for one that is longer than any of ours: a person's. */
function readValue(value: () => Buffer): string | undefined {
  try {
    return optional(value)?.string();
  } catch (error) {
    if (isErrno(error, 'ERANGE')) return undefined;
    throw error;
  }
}
