import type { ClusterState, Host, Service } from '#csi';
import type { Scope } from '#lib/scope';
import type { Metrics } from '#observability';
import type { Options } from './options.ts';

/** What every part of a process is made with. */
export interface Surroundings {
  readonly options: Options;
  readonly host: Host;
  readonly metrics: Metrics;
  /** The module that the agents run. */
  readonly program: string;
}

/** A role's services and what is behind them. */
export interface Part {
  readonly services: readonly Service[];
  /** Those of CSI-Addons, for a socket of their own. */
  readonly addons?: readonly Service[];
  /** Looks at the clusters, for Probe. */
  look(scope: Scope): Promise<readonly ClusterState[]>;
  /** What keeps it from serving, a line each. */
  notReady(): readonly string[];
  /** Begins what it does by itself. Called once its sockets are there: a role that does not serve must do nothing else either. */
  start(): void;
  /** Also of one that was never started. */
  stop(): Promise<void>;
}
