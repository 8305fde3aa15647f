import { once } from 'node:events';
import { type handleServerStreamingCall, type ServerWritableStream, status } from '@grpc/grpc-js';
import { OpenCall, timesOf } from './open-call.ts';
import type { Host, StreamRpc } from './rpc.ts';
import { OK, type Status, toStatus } from './status.ts';
import { readRequest } from './unary.ts';

export interface StreamMethod<Context, Request, Want, Answer> {
  readonly name: string;
  readonly rpc: StreamRpc<Context, Request, Want, Answer>;
}

/**
 * What unary() is to a single answer, for an answer in pages: the next page is made only when the caller has taken the
 * last (so a slow one costs no memory) and no more once the caller is gone.
 */
export function serverStream<Context, Request extends object, Want, Answer>(
  host: Host,
  context: Context,
  method: StreamMethod<Context, Request, Want, Answer>,
): handleServerStreamingCall<Request, Answer> {
  return (call) => {
    const open = new OpenCall(host, method.name, call);
    const nextScope = () => ({ ...open.scope, deadline: timesOf(call.getDeadline(), host.maxCallMs).deadline });
    const pages = () => {
      const want = readRequest(open, call.request, (checked) => method.rpc.read(checked, context));
      return method.rpc.run(context, want, nextScope);
    };
    pour(call, pages)
      .then(
        (outcome) => finish(open, call, outcome),
        (error: unknown) => finish(open, call, toStatus(error), error),
      )
      .catch((error: unknown) => open.scope.log.error({ err: error }, 'the stream could not be ended'));
  };
}

async function pour<Request, Answer>(
  call: ServerWritableStream<Request, Answer>,
  pages: () => AsyncIterable<Answer>,
): Promise<Status> {
  const gone = new AbortController();
  call.once('cancelled', () => gone.abort());
  for await (const page of pages()) {
    if (call.cancelled) return LEFT;
    if (!call.write(page)) await drained(call, gone.signal);
    if (call.cancelled) return LEFT;
  }
  return OK;
}

const LEFT: Status = { code: status.CANCELLED, reason: 'CALLER_LEFT', details: 'CALLER_LEFT: the caller cancelled the stream' };

async function drained(call: NodeJS.EventEmitter, gone: AbortSignal): Promise<void> {
  try {
    await once(call, 'drain', { signal: gone });
  } catch (error) {
    if (!gone.aborted) throw error;
  }
}

function finish<Request, Answer>(
  open: OpenCall,
  call: ServerWritableStream<Request, Answer>,
  outcome: Status,
  error?: unknown,
): void {
  open.answered(outcome, error);
  open.ended();
  if (outcome.code === status.OK) call.end();
  else if (!call.cancelled) call.emit('error', { code: outcome.code, details: outcome.details });
}
