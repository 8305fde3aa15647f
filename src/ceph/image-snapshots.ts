/** The snapshots of an image and the clones of those, as its header has them, read without opening it. */
import { optional, withRoom } from './class-method.ts';
import { type Decoder, Encoder } from './codec.ts';
import type { IoContext } from './io-context.ts';
import { ReadOperation } from './operation.ts';

/** Steps in one compound read; the OSD refuses more than some hundreds. */
const BATCH = 64;
/** Bytes of one snapshot's record; a mirror snapshot's holds the numbers of all snapshots it was copied with. */
const ROOM = 4096;

export type SnapshotNamespace =
  | { readonly kind: 'user' }
  | { readonly kind: 'group'; readonly groupPoolId: bigint; readonly groupId: string; readonly groupSnapshotId: string }
  | { readonly kind: 'trash'; readonly originalName: string }
  | MirrorNamespace
  | { readonly kind: 'other' };

/** Of a snapshot that mirroring took or copied. */
export interface MirrorNamespace {
  readonly kind: 'mirror';
  /** MirrorSnapshotState of Ceph: primary, primary demoted, non-primary, non-primary demoted. */
  readonly state: number;
  readonly complete: boolean;
  /** Uuids of the peers that have still to copy it. */
  readonly peers: readonly string[];
  /** Of a non-primary one: the pool and its snapshot that it is the copy of. */
  readonly primaryMirrorUuid: string;
  readonly primarySnapshotId: bigint;
  readonly copiedObjects: bigint;
}

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
      .map((snapshotId) => operation.exec('rbd', 'snapshot_get', new Encoder().u64(snapshotId).bytes(), ROOM));
    await operation.run(`rbd_header.${id}`);
    for (const answer of answers) {
      const decoder = optional(answer);
      if (decoder !== undefined) found.push(decodeSnapshot(decoder));
    }
  }
  return found;
}

export function decodeSnapshot(decoder: Decoder): SnapshotInfo {
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
    case 3:
      return decodeMirror(body);
    default:
      return { kind: 'other' };
  }
}

function decodeMirror(body: Decoder): MirrorNamespace {
  return {
    kind: 'mirror',
    state: body.u8(),
    complete: body.u8() !== 0,
    peers: body.list((decoder) => decoder.string()),
    primaryMirrorUuid: body.string(),
    primarySnapshotId: body.u64(),
    copiedObjects: body.u64(),
  };
}

export interface Child {
  readonly poolId: bigint;
  readonly namespace: string;
  readonly imageId: string;
}

/** Bytes for some three hundred clones. */
const CHILDREN_ROOM = 16 * 1024;

/**
 * The clones of a snapshot. One round trip, and one or two more when there are very many.
 *
 * Implements: cls_rbd children_list on `rbd_header.<id>`.
 */
export async function listChildren(io: IoContext, id: string, snapshotId: bigint): Promise<Child[]> {
  const decode = (body: Decoder): Child => ({ poolId: body.s64(), imageId: body.string(), namespace: body.string() });
  return await withRoom(async (times) => {
    using operation = new ReadOperation(io);
    const children = operation.exec('rbd', 'children_list', new Encoder().u64(snapshotId).bytes(), times * CHILDREN_ROOM);
    await operation.run(`rbd_header.${id}`);
    return optional(children)?.list((decoder) => decoder.struct(decode)) ?? [];
  });
}
