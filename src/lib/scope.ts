import { Failure } from '#lib/failure';

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What one request carries down: until when, and where its log lines go. */
export interface Scope {
  /** Milliseconds since the epoch after which nobody waits for the answer. */
  readonly deadline: number;
  readonly log: Log;
}

/**
 * Stops between two side effects when nobody waits any more: a librbd call cannot be cancelled,
 * so work ends between steps and never inside one. What was begun is finished by the next call.
 */
export function checkpoint(scope: Scope): void {
  if (Date.now() >= scope.deadline) {
    throw new Failure('unfinished', 'DEADLINE_PASSED', 'the caller stopped waiting; ask again and the work goes on');
  }
}
