/** What the header of a mirrored image says of its mirroring, read without opening it. */
import { optional } from './class-method.ts';
import { Decoder, Encoder } from './codec.ts';
import { isErrno } from './errors.ts';
import { decodeMetadata, decodeParent, type Parent } from './image-header.ts';
import { decodeSnapshot, type SnapshotInfo } from './image-snapshots.ts';
import type { IoContext } from './io-context.ts';
import { ReadOperation, WriteOperation } from './operation.ts';

const NO_SNAPSHOT = 0xfffffffffffffffen;
const SNAPSHOT_ROOM = 4096;
const VALUE_ROOM = 4096;

export interface MirrorHeader {
  readonly size: bigint;
  readonly features: bigint;
  readonly parent: Parent | undefined;
  /** The id of the snapshot that was added last, be it there or not: it grows with each. */
  readonly snapshotSequence: bigint;
  /** Ids of all snapshots, newest first. */
  readonly snapshotIds: readonly bigint[];
  /** Of the snapshots that were asked for, those that are there. */
  readonly snapshots: readonly SnapshotInfo[];
  /** Of the keys asked for, those that are set. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * One round trip; undefined when there is no such header. `snapshots` are those that the caller expects to be there: what
 * else there is, a second look (`readSnapshots`) tells.
 *
 * Implements: cls_rbd get_size, get_features, get_snapcontext, parent_get, metadata_get and snapshot_get on `rbd_header.<id>`.
 */
export async function findMirrorHeader(
  io: IoContext,
  id: string,
  ask: { readonly keys: readonly string[]; readonly snapshots: readonly bigint[] },
): Promise<MirrorHeader | undefined> {
  using operation = new ReadOperation(io);
  const head = new Encoder().u64(NO_SNAPSHOT).bytes();
  const none = Buffer.alloc(0);
  const size = operation.exec('rbd', 'get_size', head);
  const features = operation.exec('rbd', 'get_features', head);
  const context = operation.exec('rbd', 'get_snapcontext', none, 16 * 1024);
  const parent = operation.exec('rbd', 'parent_get', none, 1024);
  const values = ask.keys.map((key) => operation.exec('rbd', 'metadata_get', new Encoder().string(key).bytes(), VALUE_ROOM));
  const asked = ask.snapshots.map((one) => operation.exec('rbd', 'snapshot_get', new Encoder().u64(one).bytes(), SNAPSHOT_ROOM));
  try {
    await operation.run(`rbd_header.${id}`);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  const [sizes, ids] = [new Decoder(size()), new Decoder(context())];
  sizes.u8();
  const snapshotSequence = ids.u64();
  return {
    size: sizes.u64(),
    features: new Decoder(features()).u64(),
    parent: decodeParent(optional(parent)),
    snapshotSequence,
    snapshotIds: ids.list((decoder) => decoder.u64()),
    snapshots: asked.flatMap((answer) => {
      const decoder = optional(answer);
      return decoder === undefined ? [] : [decodeSnapshot(decoder)];
    }),
    metadata: decodeMetadata(ask.keys, values),
  };
}

/**
 * Says of a non-primary mirror snapshot that it is not whole. One round trip.
 *
 * Implements: cls_rbd mirror_image_snapshot_set_copy_progress on `rbd_header.<id>`.
 */
export async function markIncomplete(io: IoContext, id: string, snapshotId: bigint): Promise<void> {
  using operation = new WriteOperation(io);
  const input = new Encoder().u64(snapshotId).u8(0).u64(0n).bytes();
  await operation.assertExists().exec('rbd', 'mirror_image_snapshot_set_copy_progress', input).run(`rbd_header.${id}`);
}
