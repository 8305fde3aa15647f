/**
 * The only error a front door understands. What a kind means to a caller is decided in one table
 * per front door (for CSI: `csi/status.ts`); `reason` is the stable word in logs and `docs/errors.md`.
 */
export type FailureKind =
  | 'invalid' // the request can never succeed as written
  | 'out-of-range' // no size fits what was asked
  | 'not-found'
  | 'conflict' // the name is taken by something with other properties
  | 'in-use'
  | 'precondition' // the system is not in the state that the request needs
  | 'denied' // a capability is missing
  | 'unauthenticated' // the key is wrong
  | 'busy' // another operation holds it
  | 'bad-token' // a page token that was not ours
  | 'exhausted'
  | 'unsupported'
  | 'unreachable' // the cluster did not answer: the outcome is unknown
  | 'unfinished'; // begun, and a later call must finish it

export class Failure extends Error {
  override readonly name = 'Failure';
  /** One failure may answer many calls at once, so nothing of it is ever changed. */
  declare readonly message: string;
  readonly kind: FailureKind;
  readonly reason: string;

  constructor(kind: FailureKind, reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.reason = reason;
  }

  /** The same failure, with where it happened before its message. */
  at(where: string): Failure {
    return new Failure(this.kind, this.reason, `${where}: ${this.message}`, { cause: this.cause });
  }
}

/**
 * The caller is answered, the work still goes on: a kind that leaves the outcome open, and a promise of the moment
 * from which it does not. What guards the thing (a lock) is held until then.
 */
export class PendingFailure extends Failure {
  declare readonly kind: 'unreachable' | 'unfinished';
  /** Resolves when the work has ended, well or not. Never rejects. */
  readonly settled: Promise<void>;

  constructor(kind: 'unreachable' | 'unfinished', reason: string, message: string, settled: Promise<void>) {
    super(kind, reason, message);
    this.settled = settled;
  }

  override at(where: string): PendingFailure {
    return new PendingFailure(this.kind, this.reason, `${where}: ${this.message}`, this.settled);
  }
}

/** True for the kinds that leave open whether something was done: what a lock guards is not settled yet. */
export function isUnsettled(error: unknown): boolean {
  return !(error instanceof Failure) || error.kind === 'unreachable' || error.kind === 'unfinished';
}
