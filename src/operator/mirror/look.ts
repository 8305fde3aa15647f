/**
 * A look at one site: its truth and the facts of the pools. A site that does not answer costs a pass nothing: the look goes on
 * by itself, and until it ends the site counts as it was found last.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { formatPlace, type Place } from '#lib/handle';
import type { Log } from '#lib/scope';
import type { SiteSeen } from './observation.ts';
import { readTruth } from './read-truth.ts';
import type { SiteEngine } from './sites.ts';

export interface LookFor {
  readonly policy: string;
  readonly home: Place;
  readonly places: readonly Place[];
}

/** Milliseconds that a site gets to answer; one operation of Ceph has half of that (`--ceph-timeout`). */
const LOOK_MS = 10_000;
/** How long a pass waits for a site that did not answer the last time. */
const PATIENCE_MS = 300;

export class SiteLook {
  readonly #site: string;
  readonly #engine: () => SiteEngine;
  readonly #log: Log;
  #last: SiteSeen;
  #underWay: Promise<SiteSeen> | undefined;

  /** `engine` is asked at each look: keys and monitors may have changed. */
  constructor(site: string, engine: () => SiteEngine, log: Log) {
    this.#site = site;
    this.#engine = engine;
    this.#log = log;
    this.#last = { site, failure: undefined, answeredAt: undefined, silent: undefined, truth: undefined, pools: new Map() };
  }

  async look(wanted: LookFor): Promise<SiteSeen> {
    this.#underWay ??= this.#lookNow(wanted).finally(() => {
      this.#underWay = undefined;
    });
    if (this.#last.silent === undefined) return await this.#underWay;
    return await Promise.race([this.#underWay, sleep(PATIENCE_MS, this.#last)]);
  }

  async #lookNow(wanted: LookFor): Promise<SiteSeen> {
    try {
      this.#last = { ...(await this.#ask(wanted)), answeredAt: Date.now() };
    } catch (error) {
      this.#last = this.#failed(error);
    }
    return this.#last;
  }

  async #ask({ policy, home, places }: LookFor): Promise<Omit<SiteSeen, 'answeredAt'>> {
    const engine = this.#engine();
    const scope = { deadline: Date.now() + LOOK_MS, log: this.#log };
    const [{ truth }, facts] = await Promise.all([
      readTruth(engine, { policy, home }, scope),
      Promise.all(places.map((place) => engine.mirrorFacts({ place, exact: 'all' }, scope))),
    ]);
    const pools = new Map(facts.map((pool, index) => [formatPlace(places[index] ?? home), pool]));
    return { site: this.#site, failure: undefined, silent: undefined, truth, pools };
  }

  #failed(error: unknown): SiteSeen {
    if (!(error instanceof Failure)) this.#log.error({ site: this.#site, err: error }, 'a look failed for no reason that is known');
    const failure = error instanceof Failure ? error : new Failure('unfinished', 'UNFORESEEN', 'see the log of the operator');
    const { answeredAt, silent } = this.#last;
    // Only what gave no answer may ever count as lost: a site that refuses a key, or lacks a pool, is there.
    const isSilent = failure.kind === 'unreachable' || failure.reason === 'DEADLINE_PASSED' || failure.kind === 'unfinished';
    const since = silent?.since ?? Date.now();
    return {
      site: this.#site,
      failure,
      answeredAt,
      silent: isSilent ? { looks: (silent?.looks ?? 0) + 1, since } : undefined,
      truth: undefined,
      pools: new Map(),
    };
  }
}
