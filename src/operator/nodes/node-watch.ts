/**
 * Hands Kubernetes' word that a node is out of service over to Ceph, where the controller finds it: taking a volume from such a
 * node then cuts its client off. Level by level: it compares all nodes with all marks, whatever happened in between.
 */
import { type Backoff, backoffMs } from '#lib/backoff';
import type { Log, Scope } from '#lib/scope';
import type { RemoteEngine } from '#rbd';
import { type Kind, type KubeApi, Reflector } from '../runtime/index.ts';
import { isOutOfService, type Node, planMarks } from './plan.ts';

const NODES: Kind = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
/** Milliseconds; for places that came after a mark. */
const EVERY_MS = 60_000;
const PASS_MS = 30_000;
const BACKOFF: Backoff = { first: 1000, most: 30_000 };

export interface NodeWatchSettings {
  readonly api: KubeApi;
  readonly clusters: { names(): readonly string[]; engineAt(cluster: string): Pick<RemoteEngine, 'lostNodes' | 'markNode'> };
  readonly log: Log;
}

export class NodeWatch {
  readonly #settings: NodeWatchSettings;
  readonly #nodes: Reflector<Node>;
  /** The nodes with the taint at the last pass; undefined when that did not end well. */
  #passed: string | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> | undefined;
  #stopped = false;

  constructor(settings: NodeWatchSettings) {
    const { api, log } = settings;
    this.#settings = settings;
    this.#nodes = new Reflector<Node>({ api, kind: NODES, keep: onlyTaints, log, changed: () => this.#changed() });
  }

  /** No mark is taken away before all nodes are known. */
  start(): void {
    this.#nodes.start();
    void this.#nodes.synced.then(() => this.#begin());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await Promise.all([this.#nodes.stop(), this.#pass]);
  }

  /** Nodes change all the time; a pass is made when the taint came or went. */
  #changed(): void {
    if (this.#passed !== undefined && this.#passed !== this.#tainted()) this.#begin();
  }

  #begin(): void {
    if (this.#stopped || this.#pass !== undefined) return;
    clearTimeout(this.#timer);
    const tainted = this.#tainted();
    this.#pass = this.#look()
      .then(
        () => this.#ended(tainted),
        (error) => this.#failed(error),
      )
      .finally(() => {
        this.#pass = undefined;
        this.#changed(); // While the pass went on.
      });
  }

  #ended(tainted: string): void {
    this.#passed = tainted;
    this.#failures = 0;
    this.#after(EVERY_MS);
  }

  #failed(error: unknown): void {
    this.#passed = undefined;
    this.#failures += 1;
    this.#settings.log.warn(
      { err: error, failures: this.#failures },
      'nodes that are out of service could not be noted; tried again',
    );
    this.#after(backoffMs(this.#failures, BACKOFF, Math.random));
  }

  #after(wait: number): void {
    if (!this.#stopped) this.#timer = setTimeout(() => this.#begin(), wait);
  }

  async #look(): Promise<void> {
    const { clusters, log } = this.#settings;
    const results = await Promise.allSettled(
      clusters.names().map((cluster) => this.#lookAt(cluster, { deadline: Date.now() + PASS_MS, log })),
    );
    // One cluster that is silent holds up no other.
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #lookAt(cluster: string, scope: Scope): Promise<void> {
    const engine = this.#settings.clusters.engineAt(cluster);
    for (const mark of planMarks(this.#nodes.values(), await engine.lostNodes({}, scope))) {
      await engine.markNode(mark, scope);
      scope.log.info({ cluster, node: mark.node, lost: mark.lost }, mark.lost ? 'the node is out of service' : 'the node is back');
    }
  }

  #tainted(): string {
    const tainted = this.#nodes.values().filter(isOutOfService);
    return tainted
      .map(({ metadata: { name } }) => name)
      .toSorted()
      .join(' ');
  }
}

/** Of a node only its name and what is asked about: a node has megabytes of images in its status. */
function onlyTaints({ apiVersion, kind, metadata, spec }: Node): Node {
  const { name, uid, resourceVersion } = metadata;
  const taints = (spec?.taints ?? []).map(({ key }) => ({ key }));
  return { apiVersion, kind, metadata: { name, uid: uid ?? '', resourceVersion: resourceVersion ?? '' }, spec: { taints } };
}
