import type { Cluster } from './cluster.ts';
import type { Native, Pointer } from './native/native.ts';

/** A pool and one namespace in it, ready for I/O. Closed with its cluster. */
export class IoContext {
  readonly cluster: Cluster;
  readonly native: Native;
  readonly pointer: Pointer;
  readonly poolId: bigint;
  readonly pool: string;
  readonly namespace: string;

  constructor(cluster: Cluster, pointer: Pointer, facts: { poolId: bigint; pool: string; namespace: string }) {
    this.cluster = cluster;
    this.native = cluster.native;
    this.pointer = pointer;
    this.poolId = facts.poolId;
    this.pool = facts.pool;
    this.namespace = facts.namespace;
  }
}
