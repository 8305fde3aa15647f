import type { Credentials } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import type { Scope } from '#lib/scope';
import type { ChangedBlocks, ChangedBlocksSpec, SnapshotRef } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { GetMetadataAllocatedResponse } from '../generated/messages.ts';
import { writeBytes } from '../int64.ts';
import { invalid } from '../refuse.ts';
import type { Located } from '../request/ids.ts';

/** Extents in one message when the caller leaves it to us, and at most: 4,096 are about 80 kB. */
const MAX_RESULTS = 4096;

export interface BlocksWanted {
  readonly cluster: string;
  readonly credentials: Credentials | undefined;
  readonly spec: ChangedBlocksSpec;
}

/** The bounds that both calls of the service share. */
export function readBounds(request: { startingOffset: string; maxResults: number }): { startingOffset: bigint; max: number } {
  if (request.maxResults < 0) throw invalid('max_results', 'is negative');
  const startingOffset = BigInt(request.startingOffset);
  if (startingOffset < 0n) throw new Failure('out-of-range', 'OFFSET_OUT_OF_RANGE', 'starting_offset is negative');
  return { startingOffset, max: request.maxResults === 0 ? MAX_RESULTS : Math.min(request.maxResults, MAX_RESULTS) };
}

/** Throws `invalid` unless both are snapshots of one volume: only those can be compared. */
export function checkSameVolume(base: Located<SnapshotRef>, target: Located<SnapshotRef>): void {
  const of = ({ cluster, ref }: Located<SnapshotRef>): string => [cluster, ref.pool, ref.namespace, ref.image].join('/');
  if (of(base) !== of(target)) throw invalid('base_snapshot_id', 'and target_snapshot_id are snapshots of different volumes');
}

/** Both answers of the service have the same fields. */
export async function* pages(
  { clusters }: Controller,
  { cluster, credentials, spec }: BlocksWanted,
  nextScope: () => Scope,
): AsyncGenerator<GetMetadataAllocatedResponse> {
  const engine = clusters.engineAt(cluster, credentials);
  let next: bigint | undefined = spec.startingOffset;
  while (next !== undefined) {
    const found: ChangedBlocks = await engine.changedBlocks({ ...spec, startingOffset: next }, nextScope());
    yield {
      blockMetadataType: 'VARIABLE_LENGTH',
      volumeCapacityBytes: writeBytes(found.size),
      blockMetadata: found.extents.map(({ offset, length }) => ({
        byteOffset: writeBytes(offset),
        sizeBytes: writeBytes(length),
      })),
    };
    next = found.next;
  }
}
