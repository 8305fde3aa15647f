/** The verbs of the Kubernetes API on plain objects, one function each. All throw `KubeError`. */
import { field, listField, parseJson } from '#lib/json';
import { isKube, KubeError } from './kube-error.ts';
import { collectionPath, type Kind, type KubeObject, type ObjectName, objectPath } from './objects.ts';
import type { Transport } from './transport.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** The version of the collection that the page is of. */
  readonly version: string;
  /** For the next page; '' after the last one. */
  readonly next: string;
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

export interface WatchRequest {
  readonly version: string;
  readonly labelSelector?: string;
  /** Seconds after which the server ends it in peace. */
  readonly seconds: number;
  /** Milliseconds without a word after which it counts as dead. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** RFC 6902, as far as it is used. */
export type JsonPatch = readonly (
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
)[];

export class KubeApi {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** What the API server says of an object is taken by its word: the caller names the type of the kind. */
  async find<T extends KubeObject>(kind: Kind, name: ObjectName): Promise<T | undefined> {
    try {
      return await this.get<T>(kind, name);
    } catch (error) {
      if (isKube(error, 404)) return undefined;
      throw error;
    }
  }

  async get<T extends KubeObject>(kind: Kind, name: ObjectName): Promise<T> {
    return (await this.#transport.ask({ method: 'GET', path: objectPath(kind, name) })) as T;
  }

  async listPage<T extends KubeObject>(kind: Kind, query: Readonly<Record<string, string>>, namespace = ''): Promise<Page<T>> {
    const list = await this.#transport.ask({ method: 'GET', path: collectionPath(kind, namespace), query });
    const metadata = field(list, 'metadata');
    const next = field(metadata, 'continue');
    return {
      items: listField(list, 'items') as readonly T[],
      version: String(field(metadata, 'resourceVersion')),
      next: typeof next === 'string' ? next : '',
    };
  }

  async create<T extends KubeObject>(kind: Kind, object: T): Promise<T> {
    const path = collectionPath(kind, object.metadata.namespace ?? '');
    return (await this.#transport.ask({ method: 'POST', path, body: object })) as T;
  }

  async replace<T extends KubeObject>(kind: Kind, object: T): Promise<T> {
    const { namespace = '', name } = object.metadata;
    return (await this.#transport.ask({ method: 'PUT', path: objectPath(kind, { namespace, name }), body: object })) as T;
  }

  /** A JSON patch; `subresource` is '' or `status`. */
  async patch<T extends KubeObject>(
    at: { kind: Kind; name: ObjectName; subresource: '' | 'status' },
    patch: JsonPatch,
  ): Promise<T> {
    const path = objectPath(at.kind, at.name, at.subresource);
    const contentType = 'application/json-patch+json';
    return (await this.#transport.ask({ method: 'PATCH', path, body: patch, contentType })) as T;
  }

  /** A merge patch (RFC 7386): null removes a field. */
  async merge<T extends KubeObject>(kind: Kind, name: ObjectName, change: object): Promise<T> {
    const contentType = 'application/merge-patch+json';
    return (await this.#transport.ask({ method: 'PATCH', path: objectPath(kind, name), body: change, contentType })) as T;
  }

  /** Removes it or finds it gone. */
  async drop(kind: Kind, name: ObjectName): Promise<void> {
    try {
      await this.#transport.ask({ method: 'DELETE', path: objectPath(kind, name) });
    } catch (error) {
      if (!isKube(error, 404)) throw error;
    }
  }

  /** What happens to a kind from a version on. Ends when the server ends it in peace; 410 comes as a `KubeError`. */
  async *watch<T extends KubeObject>(kind: Kind, wanted: WatchRequest): AsyncGenerator<WatchEvent<T>, void> {
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: wanted.version,
      timeoutSeconds: String(wanted.seconds),
      ...(wanted.labelSelector === undefined ? {} : { labelSelector: wanted.labelSelector }),
    };
    const path = collectionPath(kind);
    for await (const line of this.#transport.follow({ method: 'GET', path, query, signal: wanted.signal }, wanted.silenceMs)) {
      if (line === '') continue;
      const event = parseJson(line);
      // An error in the stream has HTTP status 200 long behind it: this is where 410 mostly comes.
      if (field(event, 'type') === 'ERROR') throw errorInStream(path, field(event, 'object'));
      yield event as WatchEvent<T>;
    }
  }
}

function errorInStream(path: string, status: unknown): KubeError {
  const [code, reason, message] = [field(status, 'code'), field(status, 'reason'), field(status, 'message')];
  return new KubeError(`watch ${path}`, {
    status: typeof code === 'number' ? code : 0,
    reason: typeof reason === 'string' ? reason : '',
    message: typeof message === 'string' ? message : 'the watch ended with an error',
  });
}
