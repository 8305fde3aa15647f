/** What the API server answered, or that it did not (status 0). What it means is the caller's: see `outcome.ts`. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** HTTP status; 0 when there was no answer, and what was asked for may or may not have been done. */
  readonly status: number;
  /** Kubernetes' own word: `Conflict`, `AlreadyExists`, `Expired`, `Invalid`, …; '' when there was none. */
  readonly reason: string;

  constructor(doing: string, answer: { status: number; reason: string; message: string }, options?: ErrorOptions) {
    super(`${doing}: ${answer.message}`, options);
    this.status = answer.status;
    this.reason = answer.reason;
  }
}

/** An answer with one of these statuses, or any failure of the API when none is given. */
export function isKube(error: unknown, ...statuses: readonly number[]): error is KubeError {
  return error instanceof KubeError && (statuses.length === 0 || statuses.includes(error.status));
}
