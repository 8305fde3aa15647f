/** The snapshots of an image and the clones of those, as its header has them, read without opening it. */
import { optional } from './class-method.ts';
import { type Decoder, Encoder } from './codec.ts';
import type { IoContext } from './io-context.ts';
import { ReadOperation } from './operation.ts';

/** Steps in one compound read; the OSD refuses more than some hundreds. */
const BATCH = 64;

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
