/** Sizes and times as people write them: `4Mi`, `1Gi`, `30m`, `7d`. */

const SIZE_UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
};

const TIME_UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Bytes, or `undefined` for a text that is not a size. */
export function parseSize(text: string): bigint | undefined {
  const [, digits, unit] = /^(\d{1,18})([A-Za-z]{0,2})$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined || !Object.hasOwn(SIZE_UNITS, unit)) return undefined;
  return BigInt(digits) * (SIZE_UNITS[unit] ?? 1n);
}

/** Seconds, or `undefined` for a text that is not a duration: `0`, or digits and one of s, m, h, d. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const [, digits, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  return Number(digits) * (TIME_UNITS[unit] ?? 1);
}
