/** Durations as our objects have them: `90s`, `5m`, `1h30m`. */
const SECONDS = { h: 3600, m: 60, s: 1 } as const;

/** Seconds. Of a text that the API server let through. */
export function parseDuration(text: string): number {
  const parts = text.matchAll(/(\d+)(h|m|s)/g);
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * SECONDS[unit as keyof typeof SECONDS], 0);
}

/** To read: whole seconds, rounded up, in the two largest units. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 120) return `${whole}s`;
  if (whole < 7200) return `${Math.floor(whole / 60)}m${whole % 60 === 0 ? '' : `${whole % 60}s`}`;
  const minutes = Math.floor((whole % 3600) / 60);
  return `${Math.floor(whole / 3600)}h${minutes === 0 ? '' : `${minutes}m`}`;
}
