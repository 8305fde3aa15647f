import { Failure } from '#lib/failure';
import type { Scope } from '#lib/scope';
import type { Metrics } from '#observability';
import type { Clusters } from '../clusters.ts';

/** What the last look at a cluster found; `failure` undefined when it answered. */
export interface ClusterState {
  readonly cluster: string;
  readonly failure: Failure | undefined;
}

/** A look is trusted for this long: kubelet asks often, and each look costs the cluster a read. */
const TRUSTED_MS = 10_000;
/** Within the three seconds that the liveness probe waits by default. */
const LOOK_MS = 2_000;

/** Looks at each configured cluster, at most once in ten seconds and never longer than two. */
export class ClusterWatch {
  readonly #clusters: Clusters;
  readonly #up: Metrics['clusterUp'];
  #states: readonly ClusterState[] = [];
  #looked = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(clusters: Clusters, up: Metrics['clusterUp']) {
    this.#clusters = clusters;
    this.#up = up;
  }

  /** Throws `precondition` while no cluster configuration could be read yet. */
  async look(scope: Scope): Promise<readonly ClusterState[]> {
    if (performance.now() - this.#looked >= TRUSTED_MS) {
      this.#looking ??= this.#lookNow(scope).finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
    return this.#states;
  }

  /** What the last look found, without another. */
  get states(): readonly ClusterState[] {
    return this.#states;
  }

  async #lookNow(scope: Scope): Promise<void> {
    const names = this.#clusters.names();
    const deadline = Math.min(scope.deadline, Date.now() + LOOK_MS);
    const states = await Promise.all(names.map((cluster) => this.#lookAt(cluster, { ...scope, deadline })));
    for (const state of states) this.#tell(state, scope);
    this.#states = states;
    this.#looked = performance.now();
  }

  async #lookAt(cluster: string, scope: Scope): Promise<ClusterState> {
    try {
      await this.#clusters.engineAt(cluster).probe({}, scope);
      return { cluster, failure: undefined };
    } catch (error) {
      if (error instanceof Failure) return { cluster, failure: error };
      throw error;
    }
  }

  /** A line when a cluster's state changes, not with each look. */
  #tell({ cluster, failure }: ClusterState, { log }: Scope): void {
    this.#up.set({ cluster }, failure === undefined ? 1 : 0);
    const before = this.#states.find((state) => state.cluster === cluster);
    if (before?.failure?.reason === failure?.reason && before !== undefined) return;
    if (failure === undefined) log.info({ cluster }, 'the cluster answers');
    else log.warn({ cluster, reason: failure.reason, err: failure }, 'the cluster does not serve us');
  }
}
