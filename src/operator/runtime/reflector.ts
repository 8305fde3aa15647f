/**
 * A copy of all objects of one kind, kept up to date for as long as it runs.
 *
 * R1 What is in the copy was so at the server, at one moment; the copy may lag, and never skips: an object that changed
 *    is named to `changed` at least once after its last change. One name may stand for many changes.
 * R2 It begins with a list, page by page; only a list that was read to its end replaces anything.
 * R3 A watch goes on from the newest version that was seen, bookmarks included, so that a cut connection costs nothing.
 * R4 410 (that version is forgotten) and three watches in a row that ended without a word lead back to R2: some servers
 *    close a watch of a version that they do not have any more without saying so.
 * R5 Silence is no proof of peace: bookmarks come about once a minute, so a connection that has had none for two is dead.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Backoff, backoffMs } from '#lib/backoff';
import type { Log } from '#lib/scope';
import type { KubeApi, WatchEvent } from './api.ts';
import { isKube, KubeError } from './kube-error.ts';
import { type Kind, type KubeObject, keyOf } from './objects.ts';

export interface ReflectorSettings<T extends KubeObject> {
  readonly api: KubeApi;
  readonly kind: Kind;
  readonly labelSelector?: string;
  /** Told the key of what was added, changed or removed. Must not throw. */
  readonly changed: (key: string) => void;
  /** What is kept of an object: of foreign kinds with many objects only what is looked at. */
  readonly keep?: (object: T) => T;
  readonly log: Log;
}

const PAGE = '500';
/** Seconds of a watch: the server ends it, at another time for each. */
const WATCH_SECONDS = { least: 300, most: 600 };
const SILENCE_MS = 120_000;
const WORDLESS_AT_MOST = 3;
const BACKOFF: Backoff = { first: 500, most: 30_000 };

export class Reflector<T extends KubeObject> {
  readonly #settings: ReflectorSettings<T>;
  readonly #stopping = new AbortController();
  readonly #synced = Promise.withResolvers<void>();
  #objects = new Map<string, T>();
  /** Where the next watch begins; undefined when a list comes first. */
  #version: string | undefined;
  #failures = 0;
  #wordless = 0;
  #running: Promise<void> | undefined;

  constructor(settings: ReflectorSettings<T>) {
    this.#settings = settings;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Resolves when the first list was read; never when it is stopped before. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  /** All of them, as they are now. */
  values(): readonly T[] {
    return [...this.#objects.values()];
  }

  get size(): number {
    return this.#objects.size;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#version ??= await this.#list();
        await this.#watch(this.#version);
      } catch (error) {
        if (!signal.aborted) await this.#recover(error);
      }
    }
  }

  async #recover(error: unknown): Promise<void> {
    if (isKube(error, 410)) this.#version = undefined;
    this.#failures += 1;
    // The first try after a failure comes soon and says nothing: servers restart and connections are cut every day.
    const level = this.#failures < 3 ? 'debug' : 'warn';
    this.#settings.log[level](
      { kind: this.#settings.kind.plural, failures: this.#failures, err: error },
      'watching failed; it goes on',
    );
    const wait = backoffMs(this.#failures, BACKOFF, Math.random);
    await sleep(wait, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  /** Reads everything; the version that it is of. A list whose next page is forgotten (410) is begun anew by the caller. */
  async #list(): Promise<string> {
    const { api, kind, labelSelector } = this.#settings;
    const query = { limit: PAGE, ...(labelSelector === undefined ? {} : { labelSelector }) };
    const found = new Map<string, T>();
    let page = await api.listPage<T>(kind, query);
    for (;;) {
      for (const object of page.items) found.set(keyOf(object), this.#kept(object));
      if (page.next === '' || this.#stopping.signal.aborted) break;
      page = await api.listPage<T>(kind, { ...query, continue: page.next });
    }
    this.#replace(found);
    return page.version;
  }

  #replace(found: Map<string, T>): void {
    const before = this.#objects;
    this.#objects = found;
    this.#wordless = 0;
    this.#synced.resolve();
    for (const [key, object] of found) if (!isSame(before.get(key), object)) this.#settings.changed(key);
    for (const key of before.keys()) if (!found.has(key)) this.#settings.changed(key);
  }

  async #watch(version: string): Promise<void> {
    const { api, kind, labelSelector } = this.#settings;
    const { least, most } = WATCH_SECONDS;
    const seconds = Math.round(least + (most - least) * Math.random());
    const { signal } = this.#stopping;
    const selection = labelSelector === undefined ? {} : { labelSelector };
    this.#wordless += 1;
    for await (const event of api.watch<T>(kind, { version, seconds, silenceMs: SILENCE_MS, signal, ...selection })) {
      this.#wordless = 0;
      this.#failures = 0;
      this.#apply(event);
    }
    if (this.#wordless >= WORDLESS_AT_MOST) this.#version = undefined;
    // A watch that ends as soon as it began must not become a storm of requests.
    if (this.#wordless > 0) {
      throw new KubeError(`watch ${kind.plural}`, { status: 0, reason: '', message: 'the server ended it without a word' });
    }
  }

  #apply({ type, object }: WatchEvent<T>): void {
    this.#version = object.metadata.resourceVersion ?? this.#version;
    if (type === 'BOOKMARK') return;
    const key = keyOf(object);
    if (type === 'DELETED') this.#objects.delete(key);
    else this.#objects.set(key, this.#kept(object));
    this.#settings.changed(key);
  }

  /** Without the record of who set which field, which can be larger than the object. */
  #kept(object: T): T {
    const { keep = (same: T) => same } = this.#settings;
    const metadata: Record<string, unknown> = { ...object.metadata };
    delete metadata['managedFields'];
    // Items of a list come without their kind.
    const { kind } = this.#settings.kind;
    return keep({ ...object, kind: object.kind ?? kind, metadata: metadata as unknown as T['metadata'] });
  }
}

function isSame(before: KubeObject | undefined, after: KubeObject): boolean {
  return before?.metadata.uid === after.metadata.uid && before?.metadata.resourceVersion === after.metadata.resourceVersion;
}
