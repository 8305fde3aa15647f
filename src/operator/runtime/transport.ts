/**
 * HTTP to the API server. Who we are and whom we trust is client-node's business (its KubeConfig knows kubeconfigs,
 * mounted tokens that rotate, and programs that fetch credentials); the requests are our own: client-node's watch takes
 * 410 for an ordinary end, and its typed clients turn times into objects that a status cannot be compared with.
 */

import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { Failure } from '#lib/failure';
import { field, parseJson } from '#lib/json';
import { KubeError } from './kube-error.ts';

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of the body; by default JSON. */
  readonly contentType?: string;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

/** Milliseconds without a byte after which a request that is no watch counts as unanswered. */
const ANSWER_MS = 15_000;

export class Transport {
  readonly #config: KubeConfig;
  readonly #agent = new Agent({ keepAlive: true, scheduling: 'lifo' });

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /** By KUBECONFIG, the user's kubeconfig, or the pod's own service account. Throws `precondition` when there is none. */
  static byEnvironment(): Transport {
    const config = new KubeConfig();
    try {
      config.loadFromDefault();
    } catch (cause) {
      throw new Failure('precondition', 'KUBECONFIG_UNUSABLE', 'there is no usable kubeconfig and no service account', { cause });
    }
    return new Transport(config);
  }

  static byFile(path: string): Transport {
    const config = new KubeConfig();
    config.loadFromFile(path);
    return new Transport(config);
  }

  /** The answer's JSON. Throws `KubeError`. */
  async ask(wanted: KubeRequest): Promise<unknown> {
    const response = await this.#send(wanted, ANSWER_MS);
    const text = await this.#read(wanted, response);
    const parsed = parseJson(text);
    if (isFine(response)) return parsed;
    throw new KubeError(doing(wanted), refusal(response, parsed));
  }

  /** The lines of an answer that does not end, as they come. Throws `KubeError`, also when nothing came for `silenceMs`. */
  async *follow(wanted: KubeRequest, silenceMs: number): AsyncGenerator<string, void> {
    const response = await this.#send(wanted, silenceMs);
    if (!isFine(response)) {
      throw new KubeError(doing(wanted), refusal(response, parseJson(await this.#read(wanted, response))));
    }
    try {
      yield* linesOf(response);
    } catch (cause) {
      throw unanswered(wanted, cause);
    } finally {
      // A reader that has had enough leaves: the server should not go on sending.
      response.destroy();
    }
  }

  /** Lets the connections go. */
  end(): void {
    this.#agent.destroy();
  }

  async #read(wanted: KubeRequest, response: IncomingMessage): Promise<string> {
    try {
      let text = '';
      for await (const chunk of response) text += chunk;
      return text;
    } catch (cause) {
      throw unanswered(wanted, cause);
    }
  }

  async #send(wanted: KubeRequest, silenceMs: number): Promise<IncomingMessage> {
    const { method, path, body, contentType = 'application/json', signal } = wanted;
    const options: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const cluster = this.#config.getCurrentCluster();
    const url = new URL(`${(cluster?.server ?? '').replace(/\/$/, '')}${path}`);
    for (const [name, value] of Object.entries(wanted.query ?? {})) url.searchParams.set(name, value);
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = { ...options.headers, accept: 'application/json', 'user-agent': 'loligo' };
    const bodyHeaders = payload === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(payload) };
    // Its agent opens a connection for each request; only one that goes through a proxy is needed as it is.
    const agent = cluster?.proxyUrl === undefined ? this.#agent : options.agent;
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(
        url,
        { ...options, agent, method, headers: { ...headers, ...bodyHeaders }, ...(signal === undefined ? {} : { signal }) },
        (response) => resolve(response.setEncoding('utf8')),
      );
      asked.on('error', (cause) => reject(unanswered(wanted, cause)));
      asked.setTimeout(silenceMs, () => asked.destroy(new Error(`silent for ${silenceMs / 1000} s`)));
      asked.end(payload);
    });
  }
}

async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string, void> {
  let rest = '';
  for await (const chunk of chunks) {
    const parts = `${rest}${chunk}`.split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}

function isFine({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function doing({ method, path }: KubeRequest): string {
  return `${method} ${path}`;
}

function refusal({ statusCode = 0 }: IncomingMessage, body: unknown): { status: number; reason: string; message: string } {
  const reason = field(body, 'reason');
  const message = field(body, 'message');
  return {
    status: statusCode,
    reason: typeof reason === 'string' ? reason : '',
    message: typeof message === 'string' ? message : `the API server answered ${statusCode}`,
  };
}

function unanswered(wanted: KubeRequest, cause: unknown): KubeError {
  if (cause instanceof KubeError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KubeError(doing(wanted), { status: 0, reason: '', message: `the API server did not answer: ${why}` }, { cause });
}
