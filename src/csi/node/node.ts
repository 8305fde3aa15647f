import type { ClusterConfig } from '#lib/cluster-config';
import type { NodeId } from '#lib/node-id';
import type { NodeHost } from '#node';

/** What the handlers of the Node service need, all of it given from outside. */
export interface Node {
  readonly host: NodeHost;
  readonly clusters: Pick<ClusterConfig, 'names' | 'get'>;
  /** Throws `precondition` when the node's addresses cannot be told. */
  id(): Promise<NodeId>;
  /** Volumes that this node takes at once; 0 for no limit. */
  readonly volumeLimit: number;
  /** Where this node is, by topology label; empty for no topology. */
  readonly segments: Readonly<Record<string, string>>;
}
