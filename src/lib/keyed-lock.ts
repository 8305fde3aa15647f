import { Failure } from '#lib/failure';

/**
 * Refuses a second operation on a key that is held, instead of queueing it: the sidecars retry ABORTED
 * with backoff, while a queue only eats their deadlines. A courtesy between the calls of one process;
 * two controllers may serve at once, and what is correct then rests on RADOS.
 */
export class KeyedLock {
  readonly #held = new Map<string, string>();

  /** Takes all keys or none, in one tick; returns what gives them back. Throws `busy` naming the key and its holder. */
  take(keys: readonly string[], holder: string): () => void {
    const taken = keys.find((key) => this.#held.has(key));
    if (taken !== undefined) {
      throw new Failure('busy', 'OPERATION_PENDING', `${this.#held.get(taken)} is in progress on ${taken}`);
    }
    for (const key of keys) this.#held.set(key, holder);
    return () => {
      for (const key of keys) this.#held.delete(key);
    };
  }

  get size(): number {
    return this.#held.size;
  }
}
