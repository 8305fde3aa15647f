import { status } from '@grpc/grpc-js';
import { Failure, type FailureKind } from '#lib/failure';

/**
 * The code is a promise to the sidecar. ABORTED and UNAVAILABLE say "it may still be going on, ask again"; the rest
 * say "nothing is going on", and the sidecar may then forget the volume.
 */
export const CODES = {
  invalid: status.INVALID_ARGUMENT,
  'out-of-range': status.OUT_OF_RANGE,
  'not-found': status.NOT_FOUND,
  conflict: status.ALREADY_EXISTS,
  'in-use': status.FAILED_PRECONDITION,
  precondition: status.FAILED_PRECONDITION,
  denied: status.PERMISSION_DENIED,
  unauthenticated: status.UNAUTHENTICATED,
  busy: status.ABORTED,
  'bad-token': status.ABORTED,
  exhausted: status.RESOURCE_EXHAUSTED,
  unsupported: status.UNIMPLEMENTED,
  unreachable: status.UNAVAILABLE,
  unfinished: status.ABORTED,
} as const satisfies Record<FailureKind, status>;

/** `details` is gRPC's status message, for people; the field that gRPC calls status.details stays empty, as CSI wants. */
export interface Status {
  readonly code: status;
  readonly reason: string;
  readonly details: string;
}

export const OK: Status = { code: status.OK, reason: '', details: '' };

export function toStatus(error: unknown): Status {
  if (error instanceof Failure) {
    return { code: CODES[error.kind], reason: error.reason, details: `${error.reason}: ${error.message}` };
  }
  // Nobody knows how far an unforeseen error let it get, so the answer must not be a final one.
  return { code: status.ABORTED, reason: 'UNFORESEEN', details: 'UNFORESEEN: see the log of the driver' };
}

/** OK, NOT_FOUND and so on, as logs and metrics name a code. */
export function codeName(code: status): string {
  return status[code];
}
