import type { Deadline } from '@grpc/grpc-js';
import type protobuf from 'protobufjs';
import type { Scope } from '#lib/scope';
import type { Logger } from '#observability';
import { Malformed, requestType } from './definitions.ts';
import { redact } from './redact.ts';
import type { Host } from './rpc.ts';
import { codeName, type Status } from './status.ts';

/**
 * Kept back of the caller's time (a quarter of a short one), so that our answer, with its cause, is there before gRPC's
 * bare DEADLINE_EXCEEDED: half for a handler that is overdue, whose agent may yet say what it waits for, which is worth more
 * than our own word; half for the way, in both directions, for gRPC tells how long the caller waits and not until when.
 */
const MARGIN_MS = 1000;

/** Asked again and again by kubelet and sidecars; well answered, they are worth a line only to who debugs. */
const QUIET = /^(Probe|GetPlugin.*|.*GetCapabilities|NodeGet.*|List.*|ControllerGet.*|ControllerListVolumeHealth|GetCapacity)$/;

/** One call from its arrival to its answer: the scope, the log line, the metrics. */
export class OpenCall {
  readonly method: string;
  readonly type: protobuf.Type;
  readonly scope: Scope;
  /** Milliseconds since the epoch at which the caller is answered, by whomever. */
  readonly answerBy: number;
  readonly #host: Host;
  readonly #log: Logger;
  readonly #request: object;
  readonly #began = performance.now();

  constructor(host: Host, method: string, call: { readonly request: object; getDeadline(): Deadline }) {
    this.#host = host;
    this.method = method;
    this.type = requestType(method);
    this.#request = call.request;
    this.#log = host.log.child({ method, request: nextId() });
    const { deadline, answerBy } = timesOf(call.getDeadline(), host.maxCallMs);
    this.scope = { deadline, log: this.#log };
    this.answerBy = answerBy;
    host.metrics.operationsInFlight.inc({ method });
  }

  /** The work has ended, which may be after the answer. */
  ended(): void {
    this.#host.metrics.operationsInFlight.dec({ method: this.method });
  }

  /** The caller is answered: the one line that each call leaves in the log. */
  answered(status: Status, error?: unknown): void {
    const seconds = (performance.now() - this.#began) / 1000;
    const code = codeName(status.code);
    this.#host.metrics.operationSeconds.observe({ method: this.method, code }, seconds);
    const level = this.#level(status);
    if (!this.#log.isLevelEnabled(level)) return;
    const fields = { code, seconds: Number(seconds.toFixed(4)), asked: this.#asked() };
    if (status.code === 0) this.#log[level](fields, 'answered');
    else this.#log[level]({ ...fields, reason: status.reason, err: error }, 'refused');
  }

  #asked(): unknown {
    return this.#request instanceof Malformed ? 'malformed' : redact(this.type, this.#request);
  }

  #level(status: Status): 'debug' | 'info' | 'warn' | 'error' {
    if (status.reason === 'UNFORESEEN') return 'error';
    if (status.code !== 0) return 'warn';
    return QUIET.test(this.method) ? 'debug' : 'info';
  }
}

/** Until when the work may go on, and when its caller is answered: the caller's time up to our own bound, less the margin. */
export function timesOf(callers: Deadline, maxCallMs: number): { readonly deadline: number; readonly answerBy: number } {
  const now = Date.now();
  const left = Math.max(0, Math.min(Number(callers) - now, maxCallMs));
  const margin = Math.min(MARGIN_MS, left / 4);
  return { deadline: now + left - margin, answerBy: now + left - margin / 2 };
}

let calls = 0;

/** Tells the lines of one call from those of another in one log; nothing more. */
function nextId(): string {
  calls = (calls + 1) % 0x100000;
  return calls.toString(36);
}
