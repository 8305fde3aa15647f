/**
 * The loop around a reconciler: a worker for each key that waits, never two for one key. Around each pass it adds the
 * finalizer, writes the status once at the end (also after a failure), tells what went wrong as a condition and an Event,
 * and says when the object is looked at next.
 */
import type { Failure } from '#lib/failure';
import type { Log } from '#lib/scope';
import type { KubeApi } from './api.ts';
import { type Condition, type Found, mergeConditions } from './conditions.ts';
import type { EventRecorder, Told } from './events.ts';
import { KeyQueue } from './key-queue.ts';
import { isKube } from './kube-error.ts';
import { type Kind, type KubeObject, keyOf, nameOf } from './objects.ts';
import { type Outcome, retryOf, settled, toFailure } from './outcome.ts';
import type { Reflector } from './reflector.ts';
import { statusOf, writeStatus } from './status-writer.ts';

/** What the runtime itself writes into every status. */
export interface BaseStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}

/** What a pass found out: its conditions, and the rest of its status. */
export type Report = Readonly<Record<string, unknown>> & { readonly conditions?: readonly Found[] };

/** One pass over one object, with what we have written of it by now. */
interface Visit<T> {
  readonly key: string;
  /** The version that the copy had at the beginning. */
  readonly over: string | undefined;
  current: T;
}

/** What one pass over an object carries down. */
export interface Pass {
  /** Ends when the operator stops, or is no longer the leader: no step is begun after that. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** What is to be the status at the end of the pass; the last report holds. Without one the status stays as it was. */
  report(status: Report): void;
  tell(told: Told): void;
}

export interface Reconciler<T extends KubeObject> {
  /** Brings one object to its spec. It is told which, never what happened to it; it can be repeated after a crash at any line. */
  reconcile(object: T, pass: Pass): Promise<Outcome>;
  /** Ends what the object stands for; once that is settled it goes. */
  retire(object: T, pass: Pass): Promise<Outcome>;
}

export interface ControllerSettings<T extends KubeObject> {
  readonly api: KubeApi;
  readonly kind: Kind;
  readonly objects: Pick<Reflector<T>, 'get'>;
  readonly reconciler: Reconciler<T>;
  readonly finalizer: string;
  readonly events: Pick<EventRecorder, 'tell'>;
  readonly log: Log;
  /** Keys that are worked on at once. */
  readonly workers: number;
  /** Told of each pass, for metrics: `settled`, `waiting`, or the kind of the failure. */
  readonly passed: (ending: string, seconds: number) => void;
}

const SLOW_MS = 60_000;
/** The one condition that the runtime adds: whether the last pass came to its end. */
const RECONCILED = 'Reconciled';

export class Controller<T extends KubeObject> {
  readonly #settings: ControllerSettings<T>;
  readonly #queue = new KeyQueue();
  readonly #stopping = new AbortController();
  /** What we wrote last, until the copy has moved on from what we wrote over. */
  readonly #written = new Map<string, { readonly over: string | undefined; readonly object: T }>();
  /** What was wanted of each when the last pass over it began. */
  readonly #wanted = new Map<string, string>();
  #lanes: readonly Promise<void>[] = [];

  constructor(settings: ControllerSettings<T>) {
    this.#settings = settings;
  }

  start(): void {
    this.#lanes = Array.from({ length: this.#settings.workers }, () => this.#work());
  }

  /** No further pass begins; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#queue.stop();
    await Promise.all(this.#lanes);
  }

  /**
   * Something happened to this one. Only what is wanted of it makes a pass, its generation or that it is to go: our own statuses
   * and finalizers come by here too, and would make each failure be repeated at once.
   */
  changed(key: string): void {
    const object = this.#settings.objects.get(key);
    if (object === undefined || this.#wanted.get(key) !== wantedOf(object)) this.#queue.add(key);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  async #work(): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      try {
        await this.#visit(key);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  async #visit(key: string): Promise<void> {
    const seen = this.#settings.objects.get(key);
    const over = seen?.metadata.resourceVersion;
    const written = this.#written.get(key);
    // The copy may not have our own last write yet; taking it then would undo what that said.
    const isAhead = seen !== undefined && written?.over === over;
    const current = isAhead ? written?.object : seen;
    if (!isAhead) this.#written.delete(key);
    if (current === undefined) {
      this.#queue.succeeded(key);
      this.#wanted.delete(key);
      return;
    }
    this.#wanted.set(key, wantedOf(current));
    const begun = performance.now();
    const ending = await this.#pass({ key, over, current });
    this.#settings.passed(ending, (performance.now() - begun) / 1000);
  }

  /** One pass: run, write, schedule. How it ended. */
  async #pass(visit: Visit<T>): Promise<string> {
    const object = visit.current;
    const reports: Report[] = [];
    let failure: Failure | undefined;
    let outcome: Outcome = settled();
    try {
      outcome = await this.#run(visit, this.#passOf(object, reports));
    } catch (error) {
      failure = this.#explain(object, error);
    }
    try {
      await this.#write(visit, reports.at(-1), failure);
    } catch (error) {
      // The first error is the one that matters.
      failure ??= this.#explain(object, error);
    }
    this.#schedule(visit.key, outcome, failure);
    return failure?.kind ?? outcome.end;
  }

  #passOf(object: T, reports: Report[]): Pass {
    return {
      signal: this.#stopping.signal,
      log: this.#settings.log,
      report: (status) => void reports.push(status),
      tell: (told) => void this.#settings.events.tell(object, told),
    };
  }

  async #run(visit: Visit<T>, pass: Pass): Promise<Outcome> {
    const { reconciler, finalizer } = this.#settings;
    const { deletionTimestamp, finalizers = [] } = visit.current.metadata;
    const holds = finalizers.includes(finalizer);
    if (deletionTimestamp === undefined) {
      if (!holds) await this.#setFinalizers(visit, [...finalizers, finalizer]);
      return await reconciler.reconcile(visit.current, pass);
    }
    if (!holds) return settled();
    const outcome = await reconciler.retire(visit.current, pass);
    if (outcome.end === 'settled') {
      const others = finalizers.filter((name) => name !== finalizer);
      await this.#setFinalizers(visit, others);
    }
    return outcome;
  }

  /** Only as long as nobody else changed the object: the list is replaced as a whole. */
  async #setFinalizers(visit: Visit<T>, finalizers: readonly string[]): Promise<void> {
    const { uid, resourceVersion } = visit.current.metadata;
    const { api, kind } = this.#settings;
    const change = { metadata: { uid, resourceVersion, finalizers } };
    this.#remember(visit, await api.merge<T>(kind, nameOf(visit.current), change));
  }

  #remember(visit: Visit<T>, written: T): void {
    visit.current = written;
    this.#written.set(visit.key, { over: visit.over, object: written });
  }

  async #write(visit: Visit<T>, report: Report | undefined, failure: Failure | undefined): Promise<void> {
    const { api, kind } = this.#settings;
    const { current } = visit;
    const before = (statusOf(current) ?? {}) as BaseStatus;
    const { conditions = [], ...rest } = report ?? before;
    const found = [...conditions.filter(({ type }) => type !== RECONCILED), reconciled(failure)];
    const status = {
      ...rest,
      observedGeneration: current.metadata.generation,
      conditions: mergeConditions(before.conditions ?? [], found, new Date()),
    };
    try {
      const written = await writeStatus(api, { kind, object: current }, status);
      if (written !== undefined) this.#remember(visit, written);
    } catch (error) {
      const isLeaving = current.metadata.deletionTimestamp !== undefined;
      // Gone, or another one of that name by now: there is nobody to tell.
      if (!isKube(error, 404) && !(isLeaving && isKube(error, 422))) throw error;
    }
  }

  #explain(object: T, error: unknown): Failure {
    const failure = toFailure(error);
    const { log, events, kind } = this.#settings;
    log.warn({ kind: kind.kind, name: keyOf(object), reason: failure.reason, err: error }, 'a pass failed');
    void events.tell(object, { type: 'Warning', reason: camelCase(failure.reason), note: failure.message });
    return failure;
  }

  #schedule(key: string, outcome: Outcome, failure: Failure | undefined): void {
    if (failure === undefined) {
      this.#queue.succeeded(key);
      if (outcome.end === 'waiting') this.#queue.addAfter(key, outcome.seconds * 1000);
      return;
    }
    const retry = retryOf(failure);
    if (retry === 'retry') this.#queue.addFailed(key);
    if (retry === 'slow') this.#queue.addAfter(key, SLOW_MS);
  }
}

function wantedOf({ metadata: { uid, generation, deletionTimestamp } }: KubeObject): string {
  return `${uid} ${generation} ${deletionTimestamp}`;
}

function reconciled(failure: Failure | undefined): Found {
  if (failure === undefined) return { type: RECONCILED, status: 'True', reason: 'Done', message: '' };
  return { type: RECONCILED, status: 'False', reason: camelCase(failure.reason), message: failure.message };
}

/** `POOL_MISSING` as conditions and Events write it: `PoolMissing`. */
export function camelCase(reason: string): string {
  return reason
    .toLowerCase()
    .split('_')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('');
}
