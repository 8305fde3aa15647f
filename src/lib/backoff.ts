export interface Backoff {
  /** Milliseconds before the first retry; each further one waits twice as long. */
  readonly first: number;
  /** The longest wait. */
  readonly most: number;
}

/**
 * Milliseconds to wait after so many failures in a row (1 for the first): doubled each time, and spread over the upper
 * half, so that those who failed together do not come back together. `random` gives from 0 to 1.
 */
export function backoffMs(failures: number, { first, most }: Backoff, random: () => number): number {
  const full = Math.min(most, first * 2 ** Math.min(failures - 1, 30));
  return full / 2 + (full / 2) * random();
}
