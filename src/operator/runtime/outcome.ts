/** How a pass over an object ends, and what the worker does then. Ending badly is thrown; its kind decides. */
import { Failure, type FailureKind } from '#lib/failure';
import { KubeError } from './kube-error.ts';

export type Outcome =
  /** As wanted. It is looked at again when it changes. */
  | { readonly end: 'settled' }
  /** Nothing is wrong, and something is to be looked at by then. */
  | { readonly end: 'waiting'; readonly seconds: number };

export function settled(): Outcome {
  return { end: 'settled' };
}

export function waiting(seconds: number): Outcome {
  return { end: 'waiting', seconds };
}

/**
 * `retry` soon, and later and later; `slow` is for what somebody has to change outside of the object, so it is looked at now
 * and then; `stop` until the object itself changes.
 */
export type Retry = 'retry' | 'slow' | 'stop';

const RETRIES = {
  invalid: 'stop',
  'out-of-range': 'stop',
  'bad-token': 'retry',
  unsupported: 'slow',
  'not-found': 'slow',
  conflict: 'slow',
  'in-use': 'slow',
  precondition: 'slow',
  denied: 'slow',
  unauthenticated: 'slow',
  exhausted: 'slow',
  busy: 'retry',
  unreachable: 'retry',
  unfinished: 'retry',
} satisfies Record<FailureKind, Retry>;

export function retryOf(failure: Failure): Retry {
  return RETRIES[failure.kind];
}

/** Whatever was thrown, as a Failure. What nobody foresaw is tried again: the next look may find something else. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof KubeError) return new Failure(kindOf(error), reasonOf(error), error.message, { cause: error });
  return new Failure('unfinished', 'UNFORESEEN', 'see the log of the operator', { cause: error });
}

function kindOf({ status }: KubeError): FailureKind {
  if (status === 403) return 'denied';
  if (status === 401) return 'unauthenticated';
  if (status === 404) return 'not-found';
  if (status === 400 || status === 422) return 'precondition';
  // 409 is another writer who was faster, 429 and 5xx a server that has enough to do.
  return status === 0 ? 'unreachable' : 'busy';
}

function reasonOf({ status }: KubeError): string {
  return status === 0 ? 'API_SERVER_SILENT' : 'API_SERVER_REFUSED';
}
