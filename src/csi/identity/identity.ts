import type { Scope } from '#lib/scope';
import type { ClusterState } from './cluster-watch.ts';

/** What a role says of itself. */
export interface Identity {
  /** The driver's name, in domain notation, at most 63 characters. */
  readonly name: string;
  readonly version: string;
  /** True where the services of the controller are served, on this socket or another one of the plugin. */
  readonly servesController: boolean;
  /** Looks at the clusters, within the scope's time; a role without an engine answers none. */
  readonly look: (scope: Scope) => Promise<readonly ClusterState[]>;
}
