/**
 * Has the engine do its housekeeping in every place of every cluster: after whatever gave it work, and from time to
 * time. It remembers nothing that matters: what there is to do stands in Ceph.
 */
import { Failure } from '#lib/failure';
import { formatPlace, type Place } from '#lib/handle';
import type { Log } from '#lib/scope';
import { Turns } from '#lib/turns';
import type { Metrics } from '#observability';
import type { Clusters } from './clusters.ts';

export interface ReaperSettings {
  readonly clusters: Clusters;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'volumes' | 'reaperPurged' | 'reaperFlattened' | 'reaperFailed' | 'reaperWaiting'>;
  /** Milliseconds between rounds that nobody asked for. */
  readonly interval: number;
}

/** Milliseconds to look for the places of a cluster. */
const LOOK_MS = 30_000;
/** Milliseconds from being woken to the round, so that a burst of deletions makes one. */
const GATHER_MS = 200;

/** Milliseconds until it is tried again where another controller keeps house. */
const OTHERS_TURN_MS = 2000;
/** Places at once. Each has up to four calls at work, and the agent that does it all has 32 threads for them. */
const PLACES_AT_ONCE = 7;

export class Reaper {
  readonly #settings: ReaperSettings;
  readonly #places = new Turns(PLACES_AT_ONCE);
  /** When the volumes of each cluster were counted last, by `performance.now`. */
  readonly #counted = new Map<string, number>();
  readonly #busy = new Map<string, 'running' | 'again'>();
  #timer: NodeJS.Timeout | undefined;
  #woken = false;
  #stopped = false;

  constructor(settings: ReaperSettings) {
    this.#settings = settings;
  }

  /** There is something to do now, or may be: its first round, and all that follow from time to time, begin with it. */
  wake(): void {
    if (this.#woken || this.#stopped) return;
    this.#woken = true;
    clearTimeout(this.#timer);
    this.#timer = this.#after(GATHER_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #after(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => void this.#round(), milliseconds);
  }

  async #round(): Promise<void> {
    this.#woken = false;
    this.#timer = this.#after(this.#settings.interval);
    await this.#guard({}, async () => {
      await Promise.all(this.#settings.clusters.names().map((cluster) => this.#visit(cluster)));
    });
  }

  async #visit(cluster: string): Promise<void> {
    await this.#guard({ cluster }, () => this.#single(cluster, () => this.#reapAll(cluster)));
  }

  async #reapAll(cluster: string): Promise<void> {
    const scope = { deadline: Date.now() + LOOK_MS, log: this.#settings.log };
    const places = await this.#settings.clusters.engineAt(cluster).findPlaces({}, scope);
    for (const place of places) {
      const pass = (): Promise<void> => this.#places.run(() => this.#pass(cluster, place));
      const reap = (): Promise<void> => this.#single(`${cluster}/${formatPlace(place)}`, pass);
      void this.#guard({ cluster, ...place }, reap);
    }
    await this.#count(cluster, places);
  }

  /** Not more often than nobody asks for a round: deletions in a row do not change the number by much. */
  async #count(cluster: string, places: readonly Place[]): Promise<void> {
    const { clusters, metrics, log, interval } = this.#settings;
    const counted = this.#counted.get(cluster);
    if (counted !== undefined && performance.now() - counted < interval) return;
    this.#counted.set(cluster, performance.now());
    const engine = clusters.engineAt(cluster);
    const counts = await Promise.all(places.map((place) => engine.countImages(place, { deadline: Date.now() + LOOK_MS, log })));
    metrics.volumes.set(
      { cluster },
      counts.reduce((sum, count) => sum + count, 0),
    );
  }

  /** One at a time of each; who asks meanwhile gets another behind it. A cluster that is away must gather no crowd. */
  async #single(key: string, work: () => Promise<void>): Promise<void> {
    const isBusy = this.#busy.has(key);
    this.#busy.set(key, isBusy ? 'again' : 'running');
    if (isBusy) return;
    try {
      do {
        this.#busy.set(key, 'running');
        await work();
      } while (this.#busy.get(key) === 'again' && !this.#stopped);
    } finally {
      this.#busy.delete(key);
    }
  }

  async #pass(cluster: string, place: Place): Promise<void> {
    const { clusters, metrics, log } = this.#settings;
    const reaped = await clusters.engineAt(cluster).reap(place, { deadline: Number.POSITIVE_INFINITY, log });
    const labels = { cluster, pool: formatPlace(place) };
    metrics.reaperPurged.inc(labels, reaped.purged);
    metrics.reaperFlattened.inc(labels, reaped.flattened);
    metrics.reaperFailed.inc(labels, reaped.failed.length);
    metrics.reaperWaiting.set(labels, reaped.waiting);
    if (reaped.isOthersTurn) setTimeout(() => this.wake(), OTHERS_TURN_MS).unref();
  }

  /** Housekeeping that fails is tried again by the next round. */
  async #guard(fields: object, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#stopped) return;
      const reason = error instanceof Failure ? error.reason : 'UNFORESEEN';
      this.#settings.log.warn({ ...fields, reason, err: error }, 'housekeeping failed; it is tried again');
    }
  }
}
