import { Failure, PendingFailure } from '#lib/failure';

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

/** The caller is answered by the deadline with what the work waits for; the work goes on to its end. */
export async function byDeadline<T>(scope: Scope, work: Promise<T>, waitsFor: string): Promise<T> {
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const settled = work.then(
    () => {},
    () => {},
  );
  const late = new PendingFailure('unreachable', 'CEPH_SLOW', `${waitsFor}; ask again`, settled);
  const timer = setTimeout(() => reject(late), Math.max(0, scope.deadline - Date.now()));
  try {
    return await Promise.race([work, overdue]);
  } finally {
    clearTimeout(timer);
  }
}
