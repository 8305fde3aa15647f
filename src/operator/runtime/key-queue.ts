/**
 * Keys that wait for their turn. Equal keys are one; a key that is being worked on is not given out a second time, and comes
 * again when it was added meanwhile. Nothing but keys: whoever gets one looks at what is so by then.
 */
import { type Backoff, backoffMs } from '#lib/backoff';

const BACKOFF: Backoff = { first: 250, most: 5 * 60_000 };

interface Timer {
  readonly at: number;
  readonly timeout: NodeJS.Timeout;
}

export class KeyQueue {
  readonly #waiting = new Set<string>();
  readonly #working = new Set<string>();
  /** Added while they were worked on. */
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, Timer>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #stopped = false;

  add(key: string): void {
    if (this.#stopped) return;
    this.#cancel(key);
    if (this.#working.has(key)) this.#again.add(key);
    else this.#offer(key);
  }

  /** Adds it later; of several times the earliest holds. */
  addAfter(key: string, milliseconds: number): void {
    const at = performance.now() + milliseconds;
    const known = this.#timers.get(key);
    if (this.#stopped || (known !== undefined && known.at <= at)) return;
    this.#cancel(key);
    this.#timers.set(key, { at, timeout: setTimeout(() => this.add(key), milliseconds) });
  }

  /** Adds it later, the later the more often it failed in a row; the milliseconds until then. */
  addFailed(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const wait = backoffMs(failures, BACKOFF, Math.random);
    this.addAfter(key, wait);
    return wait;
  }

  /** It did not fail this time. */
  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, once there is one; undefined after the stop. Whoever gets it says `done` when it is worked on. */
  take(): Promise<string | undefined> {
    if (this.#stopped) return Promise.resolve(undefined);
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      this.#working.add(key);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  done(key: string): void {
    this.#working.delete(key);
    if (this.#again.delete(key)) this.#offer(key);
  }

  /** Keys that wait for a worker now. */
  get length(): number {
    return this.#waiting.size;
  }

  stop(): void {
    this.#stopped = true;
    for (const { timeout } of this.#timers.values()) clearTimeout(timeout);
    this.#timers.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #offer(key: string): void {
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#waiting.add(key);
      return;
    }
    this.#working.add(key);
    taker(key);
  }

  #cancel(key: string): void {
    clearTimeout(this.#timers.get(key)?.timeout);
    this.#timers.delete(key);
  }
}
