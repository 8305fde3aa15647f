import { type DestinationStream, pino } from 'pino';
import type { Log } from '#lib/scope';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Logger extends Log {
  child(fields: object): Logger;
  isLevelEnabled(level: LogLevel): boolean;
}

/** Names under which a secret could come by mistake; what CSI marks as secret is removed before it gets here. */
const SECRET_NAMES = ['key', 'userKey', 'secrets', 'credentials'];

/**
 * JSON lines, by default to standard output. Written at once, not buffered: the lines before a crash are the ones
 * that are wanted.
 */
export function createLogger(level: LogLevel, destination: DestinationStream = pino.destination({ sync: true })): Logger {
  const paths = SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  const options = {
    level,
    base: {},
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths, censor: '***' },
  };
  return pino(options, destination);
}
