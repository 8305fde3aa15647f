/** Waiting for what comes by itself, with an end. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** What is waited for, for the message: `pod/writer is Ready`. */
  readonly what: string;
  /** Milliseconds; by default a minute. */
  readonly timeout?: number;
  /** Milliseconds between two looks. */
  readonly interval?: number;
}

const MINUTE = 60_000;
const INTERVAL = 250;

/**
 * Looks until `look` gives something other than false or undefined, and gives that. What it throws counts as "not yet", and
 * the last of it is the cause of the error when time is up.
 */
export async function until<T>(
  look: () => T | Promise<T>,
  { what, timeout = MINUTE, interval = INTERVAL }: Patience,
): Promise<Exclude<T, false | undefined>> {
  let cause: unknown;
  for (const end = performance.now() + timeout; performance.now() < end; await sleep(interval)) {
    try {
      const seen = await look();
      cause = undefined;
      // The two values that mean "not yet" are excluded by the test itself.
      if (seen !== false && seen !== undefined) return seen as Exclude<T, false | undefined>;
    } catch (error) {
      cause = error;
    }
  }
  const reason = cause instanceof Error ? `; the last look: ${cause.message}` : '';
  throw new Error(`after ${timeout / 1000} s still not so: ${what}${reason}`, { cause });
}
