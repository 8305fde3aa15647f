import { Failure, PendingFailure } from '#lib/failure';
import { READING } from './reading.ts';

const LONGEST_TIMER = 2 ** 31 - 1;

/** One call that an agent has not answered yet; its caller is answered by the deadline at the latest. */
export class PendingCall {
  readonly operation: string;
  /** Whether something in Ceph may be other than before, so that it matters how the call ended. */
  readonly changes: boolean;
  /** Milliseconds since the epoch after which nobody waits for it. */
  readonly #deadline: number;
  readonly #outcome = Promise.withResolvers<unknown>();
  readonly #finished = Promise.withResolvers<void>();
  /** Settles when nothing that the agent did can land any more. */
  readonly #agentOver: Promise<void>;
  readonly #timer: NodeJS.Timeout;

  constructor(operation: string, when: { deadline: number; agentOver: Promise<void>; overdue: () => void }) {
    this.operation = operation;
    this.changes = !READING.has(operation);
    this.#deadline = when.deadline;
    this.#agentOver = when.agentOver;
    const left = Math.min(Math.max(when.deadline - Date.now(), 0), LONGEST_TIMER);
    this.#timer = setTimeout(when.overdue, left);
  }

  /** True once it is overdue by so many milliseconds. */
  isOverdueBy(milliseconds: number): boolean {
    return Date.now() >= this.#deadline + milliseconds;
  }

  get outcome(): Promise<unknown> {
    return this.#outcome.promise;
  }

  answer(value: unknown): void {
    clearTimeout(this.#timer);
    this.#finished.resolve();
    this.#outcome.resolve(value);
  }

  /** When the failure leaves open what happened, the call counts as settled only once the agent is over. */
  fail(error: Error): void {
    clearTimeout(this.#timer);
    if (isUnknown(error)) {
      this.#outcome.reject(new PendingFailure(error.kind, error.reason, error.message, this.#agentOver));
      return;
    }
    this.#finished.resolve();
    this.#outcome.reject(error);
  }

  /** Answers the caller while the work goes on; `text` says what it waits for. */
  giveUp(text: string): void {
    const settled = Promise.race([this.#finished.promise, this.#agentOver]);
    const message = `${this.operation} was not done in time: ${text}`;
    this.#outcome.reject(new PendingFailure('unreachable', 'CEPH_SLOW', message, settled));
  }
}

/** Failures after which the work may still land. */
function isUnknown(error: Error): error is Failure & { readonly kind: 'unreachable' | 'unfinished' } {
  return error instanceof Failure && (error.kind === 'unreachable' || error.reason === 'AGENT_DIED');
}
