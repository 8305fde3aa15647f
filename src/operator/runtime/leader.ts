/**
 * Who of several works: whoever holds a Lease and renews it. A holder that could not renew it for `RENEW_WITHIN` stops
 * working before anybody else may begin, which is when the Lease has not changed for `VALID` by the other's own clock: no two
 * clocks are ever compared. It keeps two from doing the same work; what must not be done twice is guarded where it is done.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '#lib/scope';
import type { KubeApi } from './api.ts';
import { isKube } from './kube-error.ts';
import type { Kind, KubeObject, ObjectName } from './objects.ts';

export const LEASES: Kind = { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true };

export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export interface LeaseTimes {
  /** Milliseconds after which a Lease that did not change is up for taking. */
  readonly valid: number;
  /** Milliseconds after which a holder that could not renew gives up. */
  readonly renewWithin: number;
  /** Milliseconds between two tries. */
  readonly every: number;
}

/** Those of Kubernetes' own controllers. */
const TIMES: LeaseTimes = { valid: 15_000, renewWithin: 10_000, every: 2000 };

export interface LeaderSettings {
  readonly api: KubeApi;
  readonly lease: ObjectName;
  /** Different for each process that ever ran. */
  readonly identity: string;
  readonly log: Log;
  readonly times?: LeaseTimes;
}

export class Leader {
  readonly #settings: LeaderSettings;
  readonly #times: LeaseTimes;
  readonly #stopping = new AbortController();
  readonly #lost = Promise.withResolvers<void>();
  #seen: { readonly version: string | undefined; readonly at: number } | undefined;
  #holds = false;
  #keeping: Promise<void> | undefined;

  constructor(settings: LeaderSettings) {
    this.#settings = settings;
    this.#times = settings.times ?? TIMES;
  }

  get holds(): boolean {
    return this.#holds;
  }

  /** Resolves when the Lease is lost. A process that has lost it ends: what it had begun is begun anew by the next. */
  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  /** Resolves true once the Lease is ours, false when stopped before. From then on it is renewed. */
  async take(): Promise<boolean> {
    while (!this.#stopping.signal.aborted) {
      if ((await this.#tries()) === 'ours') {
        this.#holds = true;
        this.#keeping = this.#keep();
        return true;
      }
      await this.#wait();
    }
    return false;
  }

  /** Lets the Lease go, for the next to take it at once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#keeping;
    if (!this.#holds) return;
    this.#holds = false;
    await this.#release().catch((error: unknown) => this.#settings.log.debug({ err: error }, 'the Lease was not released'));
  }

  async #keep(): Promise<void> {
    let renewed = performance.now();
    for (;;) {
      await this.#wait();
      if (this.#stopping.signal.aborted) return;
      const asked = performance.now();
      const patience = renewed + this.#times.renewWithin - asked;
      if (patience <= 0) break;
      // What hangs must not keep us in office longer than what fails.
      const outcome = await Promise.race([this.#tries(), sleep(patience, 'late' as const, { ref: false })]);
      if (outcome === 'late' || outcome === 'anothers') break;
      if (outcome === 'ours') renewed = asked;
    }
    this.#holds = false;
    this.#settings.log.error({ lease: this.#settings.lease.name }, 'the Lease is lost');
    this.#lost.resolve();
  }

  async #wait(): Promise<void> {
    const spread = this.#times.every * (0.9 + 0.2 * Math.random());
    await sleep(spread, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  async #tries(): Promise<'ours' | 'anothers' | 'failed'> {
    try {
      return await this.#takeOrRenew();
    } catch (error) {
      if (!isKube(error, 409)) this.#settings.log.warn({ err: error }, 'the Lease could not be taken or renewed');
      return 'failed';
    }
  }

  async #takeOrRenew(): Promise<'ours' | 'anothers'> {
    const { api, lease, identity } = this.#settings;
    const current = await api.find<Lease>(LEASES, lease);
    if (current === undefined) {
      await api.create<Lease>(LEASES, this.#write({ metadata: lease }, 0));
      return 'ours';
    }
    const holder = current.spec?.holderIdentity ?? '';
    const isOthers = holder !== identity && holder !== '';
    if (isOthers && (this.#holds || !this.#hasLapsed(current))) return 'anothers';
    // Refused with 409 when somebody was faster.
    await api.replace<Lease>(LEASES, this.#write(current, holder === identity ? 0 : 1));
    return 'ours';
  }

  /** Only what has been seen to stay as it is for long enough. */
  #hasLapsed({ metadata: { resourceVersion: version }, spec }: Lease): boolean {
    if (this.#seen?.version !== version) this.#seen = { version, at: performance.now() };
    const valid = Math.max(this.#times.valid, (spec?.leaseDurationSeconds ?? 0) * 1000);
    return performance.now() - (this.#seen?.at ?? 0) >= valid;
  }

  #write({ metadata, spec }: Pick<Lease, 'metadata' | 'spec'>, transitions: number): Lease {
    const now = new Date().toISOString().replace('Z', '000Z');
    const isNew = spec === undefined || transitions > 0;
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec: {
        holderIdentity: this.#settings.identity,
        leaseDurationSeconds: Math.ceil(this.#times.valid / 1000),
        acquireTime: isNew ? now : (spec.acquireTime ?? now),
        renewTime: now,
        leaseTransitions: (spec?.leaseTransitions ?? 0) + transitions,
      },
    };
  }

  async #release(): Promise<void> {
    const { api, lease, identity } = this.#settings;
    const current = await api.find<Lease>(LEASES, lease);
    if (current?.spec?.holderIdentity !== identity) return;
    await api.replace<Lease>(LEASES, { ...current, spec: { ...current.spec, holderIdentity: '', leaseDurationSeconds: 1 } });
  }
}
