/** The same act many times, so many at once, and how long each took. */

/** What both sides of a comparison answer. */
export interface Load {
  readonly count: number;
  readonly seconds: number;
  /** Milliseconds of each act, ascending. */
  readonly times: readonly number[];
}

export async function runLoad(count: number, atOnce: number, act: (index: number) => Promise<unknown>): Promise<Load> {
  const times: number[] = [];
  let next = 0;
  const began = performance.now();
  async function lane(): Promise<void> {
    while (next < count) {
      const index = next++;
      const start = performance.now();
      await act(index);
      times.push(performance.now() - start);
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
  return { count, seconds: (performance.now() - began) / 1000, times: times.toSorted((a, b) => a - b) };
}

export function rate({ count, seconds }: Pick<Load, 'count' | 'seconds'>): number {
  return count / seconds;
}

/** Of ascending numbers: the one that so great a part of them (0 to 1) does not exceed. */
export function percentile(ascending: readonly number[], part: number): number {
  return ascending[Math.min(ascending.length - 1, Math.ceil(ascending.length * part) - 1)] ?? Number.NaN;
}

export function median(numbers: readonly number[]): number {
  return percentile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  );
}
