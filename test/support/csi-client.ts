/** A CSI client for tests and the demo: any RPC of any service by its name. */
import {
  type ClientReadableStream,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import {
  ADDONS_IDENTITY,
  CONTROLLER,
  GROUP_CONTROLLER,
  IDENTITY,
  NODE,
  REPLICATION,
  SNAPSHOT_METADATA,
} from '../../src/csi/definitions.ts';

export interface CallOptions {
  /** Milliseconds until the client gives up. */
  readonly deadline?: number;
  /**
   * Milliseconds that it goes on listening behind the deadline that it told. Without, a client that is busy at that moment
   * gives up in the face of an answer that has arrived.
   */
  readonly patience?: number;
}

/** What an RPC answered when it was not OK; `status` is the gRPC code's name. */
export class CsiError extends Error {
  readonly status: string;

  constructor(method: string, error: ServiceError) {
    super(`${method}: ${status[error.code]}: ${error.details}`);
    this.status = status[error.code] ?? String(error.code);
  }
}

// A test reads what it expects and fails where it is not there.
// biome-ignore lint/suspicious/noExplicitAny: the messages of all RPCs at once
export type Message = any;

export interface CsiClient {
  call(method: string, request: object, options?: CallOptions): Promise<Message>;
  /** All messages of a streaming RPC. */
  stream(method: string, request: object, options?: CallOptions): Promise<Message[]>;
  close(): void;
}

const SERVICES = [IDENTITY, CONTROLLER, GROUP_CONTROLLER, SNAPSHOT_METADATA, NODE];

export function connectCsi(socket: string): CsiClient {
  return connect(socket, SERVICES);
}

/** The services of CSI-Addons, on their own socket. */
export function connectAddons(socket: string): CsiClient {
  return connect(socket, [ADDONS_IDENTITY, REPLICATION]);
}

function connect(socket: string, services: readonly ServiceDefinition[]): CsiClient {
  const clients = services.map((definition) => {
    const Client = makeGenericClientConstructor(definition, 'csi');
    const client: Message = new Client(`unix:${socket}`, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' });
    return { definition, client };
  });
  const clientFor = (method: string): Message => {
    const found = clients.find(({ definition }) => method in definition);
    if (found === undefined) throw new TypeError(`CSI has no ${method}`);
    return found.client;
  };
  const until = (options?: CallOptions): object => ({ deadline: Date.now() + (options?.deadline ?? 60_000) });
  return {
    call: (method, request, options) =>
      new Promise((resolve, reject) => {
        const done = (error: ServiceError | null, answer: Message): void =>
          error === null ? resolve(answer) : reject(new CsiError(method, error));
        if (options?.patience === undefined) clientFor(method)[method](request, until(options), done);
        else listen(clientFor(method)[method].bind(clientFor(method), request), options, done);
      }),
    stream: (method, request, options) =>
      new Promise((resolve, reject) => {
        const messages: Message[] = [];
        const stream: ClientReadableStream<Message> = clientFor(method)[method](request, until(options));
        stream.on('data', (message: Message) => messages.push(message));
        stream.on('error', (error: ServiceError) => reject(new CsiError(method, error)));
        stream.on('end', () => resolve(messages));
      }),
    close: () => {
      for (const { client } of clients) client.close();
    },
  };
}

/** gRPC's own deadline is told and kept by one option, so it is told by hand. */
function listen(ask: Message, { deadline = 60_000, patience = 0 }: CallOptions, done: (...answer: Message[]) => void): void {
  const metadata = new Metadata();
  metadata.set('grpc-timeout', `${deadline}m`);
  const call = ask(metadata, (...answer: Message[]) => {
    clearTimeout(giveUp);
    done(...answer);
  });
  const giveUp = setTimeout(() => call.cancel(), deadline + patience);
}
