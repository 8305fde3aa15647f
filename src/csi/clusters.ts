import type { KeyRing } from '#keys';
import type { Credentials } from '#lib/cluster-config';
import type { RemoteEngine } from '#rbd';
import type { ClusterTopology } from './request/topology.ts';

/** The clusters that a role serves; what the agents' pool offers to this front door. */
export interface Clusters {
  names(): readonly string[];
  /** Throws `precondition` for a cluster that is not configured. Connects to nothing yet. */
  engineAt(cluster: string, credentials?: Credentials): RemoteEngine;
}

/** What the handlers of the controller's services need, all of it given from outside. */
export interface Controller {
  readonly clusters: Clusters;
  readonly keys: Pick<KeyRing, 'wrap' | 'unwrap'>;
  /** Where pools can be reached from, for what no class tells: snapshots, listings. */
  readonly topology: readonly ClusterTopology[];
  /** Volumes that a node takes at once; 0 for no limit. */
  readonly nodeVolumeLimit: number;
  /** A volume that is taken from a node which still has it open: the node is cut off from Ceph. */
  readonly fenceOnForceDetach: boolean;
  /** LIST_VOLUMES_PUBLISHED_NODES: reads the watchers of every volume that is listed. */
  readonly listPublishedNodes: boolean;
}
