/**
 * Takes the mirror snapshots of what CSI-Addons has mirrored. When one is due stands in Ceph (the newest one's time, and the
 * interval in the image's mark), so any controller does it, after any restart, and of two at once one.
 */
import { Failure } from '#lib/failure';
import type { Place } from '#lib/handle';
import { parseDuration } from '#lib/quantity';
import type { Log } from '#lib/scope';
import type { ImageFacts, PoolFacts } from '#mirror';
import type { Clusters } from '../clusters.ts';
import { MARK } from './replicated-volume.ts';

const EVERY_MS = 10_000;
const ROUND_MS = 30_000;
/** Points that the peer has still to copy before no further one is taken. */
const BEHIND_AT_MOST = 3;

export class ReplicationClock {
  readonly #clusters: Clusters;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(clusters: Clusters, log: Log) {
    this.#clusters = clusters;
    this.#log = log;
  }

  start(): void {
    this.#timer = this.#next();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #next(): NodeJS.Timeout {
    // Not all controllers at the same moment.
    return setTimeout(() => void this.#round(), EVERY_MS * (0.5 + Math.random()));
  }

  async #round(): Promise<void> {
    // One cluster that is away holds up no other.
    await Promise.all(this.#clusters.names().map((cluster) => this.#try(cluster)));
    if (!this.#stopped) this.#timer = this.#next();
  }

  async #try(cluster: string): Promise<void> {
    try {
      await this.#serve(cluster);
    } catch (error) {
      if (!(error instanceof Failure)) this.#log.error({ err: error, cluster }, 'a round of mirror snapshots failed');
      else this.#log.warn({ cluster, reason: error.reason, err: error }, 'mirror snapshots could not be taken');
    }
  }

  async #serve(cluster: string): Promise<void> {
    const scope = { deadline: Date.now() + ROUND_MS, log: this.#log };
    const engine = this.#clusters.engineAt(cluster);
    for (const place of await engine.findPlaces({}, scope)) {
      const { images: all } = await engine.mirrorFacts({ place, exact: 'none' }, scope);
      if (all.length === 0) continue;
      const facts = await engine.mirrorFacts({ place, exact: 'all' }, scope);
      await this.#take({ place, images: dueIn(facts, Date.now()) }, cluster);
    }
  }

  async #take(due: { readonly place: Place; readonly images: readonly string[] }, cluster: string): Promise<void> {
    if (due.images.length === 0 || this.#stopped) return;
    const scope = { deadline: Date.now() + ROUND_MS, log: this.#log };
    const outcomes = await this.#clusters.engineAt(cluster).takeMirrorSnapshots(due, scope);
    const failed = outcomes.find(({ failure }) => failure !== undefined && failure.kind !== 'busy');
    if (failed !== undefined)
      this.#log.warn({ ...due.place, image: failed.image, ...failed.failure }, 'no mirror snapshot was taken');
  }
}

/** Primary here, of CSI-Addons, and older than its interval. Pure. */
export function dueIn({ images }: PoolFacts, now: number): readonly string[] {
  return images.filter((image) => isDue(image, now)).map(({ image }) => image);
}

function isDue({ mode, detail }: ImageFacts, now: number): boolean {
  if (detail === undefined || mode === 'journal' || detail.standing.role !== 'primary' || !detail.policy.startsWith(MARK))
    return false;
  const seconds = parseDuration(detail.policy.slice(MARK.length));
  const [newest] = detail.snapshots;
  const behind = detail.snapshots.filter(({ state, waitingPeers }) => state === 'primary' && waitingPeers.length > 0).length;
  return seconds !== undefined && newest !== undefined && behind < BEHIND_AT_MOST && newest.at + seconds * 1000 <= now;
}
