import type { handleUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { Failure, PendingFailure } from '#lib/failure';
import { checkRequest } from './check-request.ts';
import { Malformed } from './definitions.ts';
import { OpenCall } from './open-call.ts';
import type { Host, Locks, Rpc } from './rpc.ts';
import { OK, toStatus } from './status.ts';

/** A method of a service: its name in the protocol, what it does, and what it holds meanwhile. */
export interface Method<Context, Request, Want, Answer> {
  readonly name: string;
  readonly rpc: Rpc<Context, Request, Want, Answer>;
  readonly locks: Locks<Want>;
}

/**
 * Where every unary request begins and ends. grpc-js neither awaits a handler nor catches what it throws, so nothing
 * escapes from here: each call gets one answer, by its deadline, whatever its handler does, and its locks are held
 * until its outcome is known, also when that is after the answer.
 */
export function unary<Context, Request extends object, Want, Answer>(
  host: Host,
  context: Context,
  method: Method<Context, Request, Want, Answer>,
): handleUnaryCall<Request, Answer> {
  return (call, reply) => {
    const open = new OpenCall(host, method.name, call);
    const answer = once(open, reply);
    const late = setTimeout(() => answer.refuse(overdue(method.name)), open.answerBy - Date.now());
    serve(host, { open, request: call.request, context }, method)
      .then(answer.give, answer.refuse)
      .finally(() => clearTimeout(late))
      // Nothing above throws; should it, the process must outlive it.
      .catch((error) => open.scope.log.error({ err: error }, 'the answer could not be sent'));
  };
}

/** The same with what all methods of a service share given once. */
export function serving<Context>(host: Host, context: Context) {
  return <Request extends object, Want, Answer>(
    name: string,
    rpc: Rpc<Context, Request, Want, Answer>,
    locks: Locks<Want>,
  ): handleUnaryCall<Request, Answer> => unary(host, context, { name, rpc, locks });
}

interface Asked<Context, Request> {
  readonly open: OpenCall;
  readonly request: Request;
  readonly context: Context;
}

async function serve<Context, Request extends object, Want, Answer>(
  host: Host,
  { open, request, context }: Asked<Context, Request>,
  { name, rpc, locks }: Method<Context, Request, Want, Answer>,
): Promise<Answer> {
  let settled: Promise<void> | undefined;
  let release = (): void => {};
  try {
    const want = readRequest(open, request, (checked) => rpc.read(checked, context));
    if (typeof locks === 'function') release = host.locks.take(locks(want), name);
    return await rpc.run(context, want, open.scope);
  } catch (error) {
    if (error instanceof PendingFailure) settled = error.settled;
    throw error;
  } finally {
    const end = (): void => {
      release();
      open.ended();
    };
    if (settled === undefined) end();
    else settled.then(end, end);
  }
}

/** Refuses bytes that are no message and what is out of CSI's bounds, then has the request read. */
export function readRequest<Request extends object, Want>(
  open: OpenCall,
  request: Request,
  read: (checked: Request) => Want,
): Want {
  if (request instanceof Malformed) {
    const what = request.field === '' ? 'the request is' : `${request.field} is of another type, so this is`;
    throw new Failure('invalid', 'MESSAGE_MALFORMED', `${what} not a ${open.type.name}`);
  }
  checkRequest(open.type, request);
  return read(request);
}

/** The first answer counts; what comes after it is only logged. */
function once<Answer>(open: OpenCall, reply: sendUnaryData<Answer>): { give(answer: Answer): void; refuse(error: unknown): void } {
  let answered = false;
  return {
    give(answer) {
      if (answered) return open.scope.log.debug({}, 'done after the answer');
      answered = true;
      open.answered(OK);
      reply(null, answer);
    },
    refuse(error) {
      if (answered) return open.scope.log.debug({ err: error }, 'failed after the answer');
      answered = true;
      const { code, details } = logged(open, error);
      reply({ code, details });
    },
  };
}

function logged(open: OpenCall, error: unknown): ReturnType<typeof toStatus> {
  const status = toStatus(error);
  open.answered(status, error);
  return status;
}

function overdue(name: string): Failure {
  return new Failure('unfinished', 'STILL_RUNNING', `${name} goes on; ask again`);
}
