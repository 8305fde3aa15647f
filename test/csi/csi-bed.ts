/** A CSI server on a socket of its own, its client, and an engine that is asked and does nothing: for the front door alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type ClientReadableStream, credentials, type ServiceDefinition, type ServiceError } from '@grpc/grpc-js';
import { listen, type Service } from '#csi';
import { KeyRing } from '#keys';
import { KeyedLock } from '#lib/keyed-lock';
import type { Log } from '#lib/scope';
import { createLogger, createMetrics } from '#observability';
import type { RemoteEngine } from '#rbd';
import type { Controller } from '../../src/csi/clusters.ts';
import type { Host } from '../../src/csi/rpc.ts';

export interface BedHost extends Host {
  /** The lines that were logged, parsed. */
  readonly lines: Record<string, unknown>[];
  readonly metrics: ReturnType<typeof createMetrics>;
}

export function bedHost(maxCallMs = 5_000): BedHost {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger('debug', { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { log, locks: new KeyedLock(), metrics: createMetrics(), maxCallMs, lines };
}

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What a method of the engine was asked, in order. */
export type Asked = readonly [operation: string, args: unknown];

/** An engine whose operations are the given ones; another one is noted and fails the call. */
export function engineOf(operations: Partial<RemoteEngine>, asked: Asked[] = []): RemoteEngine {
  return new Proxy({} as RemoteEngine, {
    get: (_target, operation: keyof RemoteEngine) => async (args: never, scope: never) => {
      asked.push([operation, args]);
      const work = operations[operation];
      if (work === undefined) throw new TypeError(`the test does not expect ${operation}`);
      return await work(args, scope);
    },
  });
}

export function controllerOf(engine: RemoteEngine, change: Partial<Controller> = {}): Controller {
  const clusters = { names: () => ['prod'], engineAt: () => engine };
  return {
    clusters,
    keys: new KeyRing(''),
    topology: [],
    nodeVolumeLimit: 0,
    fenceOnForceDetach: false,
    listPublishedNodes: false,
    ...change,
  };
}

export interface Answered {
  readonly code: number;
  readonly details: string;
  readonly answer: unknown;
}

export class Bed implements AsyncDisposable {
  readonly endpoint: string;
  readonly #dir: string;
  readonly #methods: Map<string, ServiceDefinition[string]>;
  readonly #client: Client;
  readonly #stop: () => Promise<void>;
  readonly #streams: ClientReadableStream<unknown>[] = [];

  private constructor(dir: string, services: readonly Service[], stop: () => Promise<void>) {
    this.#dir = dir;
    this.endpoint = `unix://${join(dir, 'csi.sock')}`;
    this.#methods = new Map(services.flatMap(({ definition }) => Object.entries(definition)));
    this.#client = new Client(this.endpoint, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' });
    this.#stop = stop;
  }

  static async serving(...services: readonly Service[]): Promise<Bed> {
    const dir = mkdtempSync(join(tmpdir(), 'loligo-csi-'));
    const listening = await listen({ endpoint: `unix://${join(dir, 'csi.sock')}` }, services);
    return new Bed(dir, services, () => listening.stop(200));
  }

  /** Calls a method with a message, or with the bytes themselves. */
  call(name: string, request: object | Buffer, options: { timeoutMs?: number } = {}): Promise<Answered> {
    const method = this.#method(name);
    const encode = (message: object | Buffer): Buffer => (Buffer.isBuffer(message) ? message : method.requestSerialize(message));
    const deadline = Date.now() + (options.timeoutMs ?? 10_000);
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, answer?: unknown): void => {
        resolve({ code: error?.code ?? 0, details: error?.details ?? '', answer });
      };
      this.#client.makeUnaryRequest(method.path, encode, method.responseDeserialize, request, { deadline }, done);
    });
  }

  stream(name: string, request: object) {
    const method = this.#method(name);
    const { path, requestSerialize, responseDeserialize } = method;
    const stream = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    this.#streams.push(stream);
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) {
      stream.on('error', () => {});
      stream.cancel();
      stream.resume();
    }
    this.#client.close();
    await this.#stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #method(name: string): ServiceDefinition[string] {
    const method = this.#methods.get(name);
    if (method === undefined) throw new RangeError(`no service of the bed has ${name}`);
    return method;
  }
}
