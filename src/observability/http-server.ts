import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { Failure } from '#lib/failure';

export interface HealthPort {
  /** The port it really listens on. */
  readonly port: number;
  stop(): Promise<void>;
}

export interface HealthSources {
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  /** What keeps this process from serving, one line each; nothing when it serves. Must not wait for Ceph. */
  readonly notReady: () => readonly string[];
}

/**
 * Serves /metrics, /healthz (the process turns its event loop) and /readyz (it can serve) on `address:port`.
 * Throws `precondition` when it cannot listen there.
 */
export async function serveHealth(at: { address: string; port: number }, sources: HealthSources): Promise<HealthPort> {
  if (isIP(at.address) === 0) throw new Failure('invalid', 'ADDRESS_INVALID', `${at.address} is not an IP address to listen on`);
  const server = createServer((request, response) => {
    void answer(sources, request, response);
  });
  // A scrape is short; whoever holds a connection open without asking is let go.
  server.headersTimeout = 5_000;
  server.requestTimeout = 10_000;
  await listen(server, at);
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : at.port,
    stop: () => stop(server),
  };
}

async function answer(sources: HealthSources, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const { code, type, body } = await page(sources, request);
    response.writeHead(code, { 'content-type': type }).end(body);
  } catch {
    response.writeHead(500).end();
  }
}

interface AnswerPage {
  readonly code: number;
  readonly type: string;
  readonly body: string;
}

async function page(sources: HealthSources, { method, url }: IncomingMessage): Promise<AnswerPage> {
  const text = (code: number, body: string): AnswerPage => ({ code, type: 'text/plain; charset=utf-8', body: `${body}\n` });
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET');
  switch (url?.split('?')[0]) {
    case '/metrics':
      return { code: 200, type: sources.metrics.contentType, body: await sources.metrics.text() };
    case '/healthz':
      return text(200, 'ok');
    case '/readyz': {
      const missing = sources.notReady();
      return missing.length === 0 ? text(200, 'ok') : text(503, missing.join('\n'));
    }
    default:
      return text(404, 'try /metrics, /healthz or /readyz');
  }
}

function listen(server: Server, { address, port }: { address: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new Failure('precondition', 'PORT_UNAVAILABLE', `cannot listen on ${address}:${port}`, { cause }));
    });
    server.listen({ host: address, port }, () => resolve());
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
