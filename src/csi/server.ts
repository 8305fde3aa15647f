import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { Failure } from '#lib/failure';
import { checkFolder, clearStale, dropSocket, setMode } from '#lib/unix-socket';
import { socketPath } from './socket.ts';

export interface Listening {
  readonly path: string;
  /** Takes no new calls, waits for those under way up to `graceMs`, then ends their connections. */
  stop(graceMs: number): Promise<void>;
}

export interface ServerOptions {
  /** `unix:///path.sock` */
  readonly endpoint: string;
  /** File mode of the socket; 0o600 when not given. */
  readonly mode?: number;
}

/** A service and its handlers; what has no handler answers UNIMPLEMENTED. */
export interface Service {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

/** Serves the services on a unix socket. Throws `invalid` or `precondition` when it cannot listen there. */
export async function listen(options: ServerOptions, services: readonly Service[]): Promise<Listening> {
  const path = socketPath(options.endpoint);
  // gRPC would print a line of its own, and say less.
  checkFolder(path);
  await clearStale(path);
  const server = new Server();
  for (const { definition, handlers } of services) server.addService(definition, handlers);
  await bind(server, path);
  setMode(path, options.mode ?? 0o600);
  return { path, stop: (graceMs) => stop(server, path, graceMs) };
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (cause) => {
      if (cause === null) resolve();
      else reject(new Failure('precondition', 'SOCKET_UNAVAILABLE', `cannot listen on ${path}`, { cause }));
    });
  });
}

async function stop(server: Server, path: string, graceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(patience);
      resolve();
    };
    const patience = setTimeout(() => {
      server.forceShutdown();
      end();
    }, graceMs);
    server.tryShutdown(end);
  });
  dropSocket(path);
}
