/**
 * Events: what a person reads who asks "what happened to it?". The same thing told again counts up one Event instead of making
 * another, at most every half minute; an Event that cannot be written is not worth a failure.
 */
import { randomBytes } from 'node:crypto';
import type { Log } from '#lib/scope';
import type { KubeApi } from './api.ts';
import type { Kind, KubeObject } from './objects.ts';

export interface Told {
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase. */
  readonly reason: string;
  readonly note: string;
}

export const EVENTS: Kind = { group: '', version: 'v1', kind: 'Event', plural: 'events', namespaced: true };

interface Known {
  readonly name: string;
  readonly namespace: string;
  count: number;
  writtenAt: number;
}

interface EventObject extends KubeObject {
  readonly [field: string]: unknown;
}

const AGAIN_MS = 30_000;
const NOTE_MAX = 1024;
/** Told things that are remembered; the API server forgets Events after an hour by itself. */
const KNOWN_MAX = 1000;

export class EventRecorder {
  readonly #api: KubeApi;
  readonly #who: { readonly component: string; readonly host: string };
  readonly #log: Log;
  readonly #known = new Map<string, Known>();

  constructor(api: KubeApi, who: { readonly component: string; readonly host: string }, log: Log) {
    this.#api = api;
    this.#who = who;
    this.#log = log;
  }

  async tell(about: KubeObject, told: Told): Promise<void> {
    const key = [about.metadata.uid, told.type, told.reason, told.note].join('\n');
    const known = this.#known.get(key);
    try {
      if (known === undefined) await this.#create(about, told, key);
      else await this.#count(known);
    } catch (error) {
      // Also when it was too old and is gone: the next telling makes another.
      this.#known.delete(key);
      this.#log.debug({ reason: told.reason, err: error }, 'an Event was not written');
    }
  }

  async #create(about: KubeObject, { type, reason, note }: Told, key: string): Promise<void> {
    const { name, namespace, uid } = about.metadata;
    // Those of an object without a namespace are kept in this one, by convention.
    const place = namespace ?? 'default';
    const known: Known = { name: `${name}.${randomBytes(6).toString('hex')}`, namespace: place, count: 1, writtenAt: Date.now() };
    const [oldest] = this.#known.keys();
    if (this.#known.size >= KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, known);
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    await this.#api.create<EventObject>(EVENTS, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: known.name, namespace: place },
      involvedObject: { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid },
      type,
      reason,
      message: note.slice(0, NOTE_MAX),
      source: this.#who,
      reportingComponent: this.#who.component,
      reportingInstance: this.#who.host,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    });
  }

  async #count(known: Known): Promise<void> {
    known.count += 1;
    if (Date.now() - known.writtenAt < AGAIN_MS) return;
    known.writtenAt = Date.now();
    const change = { count: known.count, lastTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z') };
    await this.#api.merge(EVENTS, { namespace: known.namespace, name: known.name }, change);
  }
}
