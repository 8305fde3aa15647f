/**
 * The agent's process: one connection to one site as one user, and the engine's operations on it. It keeps nothing
 * that its successor would need, ends when its parent does, and trusts its parent alone.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type CallObserver, type Cluster, connect, type FunctionName, isErrno, Native } from '#ceph';
import { Failure } from '#lib/failure';
import type { Log } from '#lib/scope';
import { Turns } from '#lib/turns';
import { runOperation, Site } from '#rbd';
import { Diagnosis } from './diagnosis.ts';
import { type FromAgent, type Opening, packFailure, type ToAgent } from './wire.ts';

/** How long a dead agent stays cut off: far longer than anything of it may wait in an OSD's queue. */
const FENCED_SECONDS = 3600;

/** The other end: `process` itself, or a stand-in that a test dies behind. */
export interface Channel {
  send(message: FromAgent): void;
  onMessage(listener: (message: ToAgent) => void): void;
  end(): never;
}

/** What one call is at just now. */
interface Call {
  readonly operation: string;
  readonly begun: number;
  doing: { readonly name: FunctionName; readonly since: number } | undefined;
}

export function runAgent(channel: Channel, observer?: CallObserver): void {
  const agent = new Agent(channel, observer);
  channel.onMessage((message) => agent.handle(message));
}

class Agent {
  readonly #channel: Channel;
  readonly #calls = new Map<number, Call>();
  readonly #current = new AsyncLocalStorage<Call>();
  readonly #native: Native;
  #turns = new Turns(1);
  #opened: Promise<{ cluster: Cluster; site: Site; diagnosis: Diagnosis }> | undefined;
  #diagnosis: Diagnosis | undefined;
  #saidProgress = 0;

  constructor(channel: Channel, observer?: CallObserver) {
    this.#channel = channel;
    this.#native = new Native({
      begun: (name) => {
        const call = this.#current.getStore();
        if (call !== undefined) call.doing = { name, since: Date.now() };
        observer?.begun(name);
      },
      ended: (name) => {
        const call = this.#current.getStore();
        if (call !== undefined) call.doing = undefined;
        observer?.ended(name);
      },
    });
  }

  handle(message: ToAgent): void {
    switch (message.say) {
      case 'open':
        this.#turns = new Turns(message.opening.atOnce);
        this.#opened = this.#open(message.opening);
        // Those who call are told by the refusal itself.
        this.#opened.catch(() => undefined);
        return;
      case 'call':
        void this.#call(message);
        return;
      case 'where':
        this.#channel.send({ say: 'waiting', id: message.id, text: this.#describe(message.id) });
        return;
      case 'fence':
        void this.#fence(message.address);
        return;
      case 'end':
        void this.#end();
    }
  }

  async #open(opening: Opening): Promise<{ cluster: Cluster; site: Site; diagnosis: Diagnosis }> {
    try {
      const cluster = await this.#connect(opening);
      const { connection, instance, creatorLife } = opening;
      const site = new Site(cluster, { cluster: connection.cluster, site: connection.site, instance, creatorLife });
      this.#diagnosis = new Diagnosis(cluster, () => this.#oldest());
      this.#channel.send({ say: 'opened', address: cluster.addresses() });
      return { cluster, site, diagnosis: this.#diagnosis };
    } catch (error) {
      this.#channel.send({ say: 'refused', failure: packFailure(error) });
      throw error;
    }
  }

  async #connect({ connection, operationTimeout }: Opening): Promise<Cluster> {
    const seconds = String(operationTimeout);
    const options = {
      rados_osd_op_timeout: seconds,
      rados_mon_op_timeout: seconds,
      client_mount_timeout: seconds,
      rbd_cache: 'false',
      log_to_stderr: 'false',
      err_to_stderr: 'false',
      log_file: '',
      admin_socket: '',
    };
    try {
      return await connect(this.#native, { ...connection, options });
    } catch (error) {
      throw explainConnecting(error, connection);
    }
  }

  async #call(message: Extract<ToAgent, { say: 'call' }>): Promise<void> {
    const { id, operation, args, deadline } = message;
    const call: Call = { operation, begun: Date.now(), doing: undefined };
    this.#calls.set(id, call);
    try {
      const value = await this.#turns.run(() => this.#current.run(call, () => this.#perform(operation, args, deadline)));
      this.#channel.send({ say: 'answer', id, value, spoiled: this.#native.timedOut });
    } catch (error) {
      const failure = packFailure(error);
      const spoiled = this.#native.timedOut || failure.reason === 'CLIENT_BLOCKLISTED';
      this.#channel.send({ say: 'failure', id, failure, spoiled });
    } finally {
      this.#calls.delete(id);
    }
  }

  async #perform(operation: string, args: unknown, deadline: number): Promise<unknown> {
    const opened = await this.#opened;
    if (opened === undefined) throw new TypeError('a call came before the opening');
    if (Date.now() >= deadline) throw new Failure('unfinished', 'DEADLINE_PASSED', 'nothing was begun in time');
    const scope = { deadline, log: this.#log, progress: () => this.#progress() };
    // The parent is typed by the same table of operations that runs here.
    return await runOperation(opened.site, operation, args as never, scope);
  }

  async #fence(address: string): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    // The parent knows from the refusal.
    if (opened === undefined) return;
    try {
      await opened.cluster.blocklist(address, FENCED_SECONDS);
      await opened.cluster.waitForLatestMap();
      this.#channel.send({ say: 'fenced', address, outcome: 'done' });
    } catch (error) {
      this.#log.warn({ address, err: packFailure(error) }, 'a dead agent could not be cut off; it is tried again');
      this.#channel.send({ say: 'fenced', address, outcome: isErrno(error, 'EPERM', 'EACCES') ? 'refused' : 'failed' });
    }
  }

  /** Leaves properly, for a bounded time: while the cluster is away librados would wait. */
  async #end(): Promise<void> {
    setTimeout(() => this.#channel.end(), 2000).unref();
    const opened = await this.#opened?.catch(() => undefined);
    opened?.diagnosis.stop();
    if (this.#calls.size === 0) await opened?.site.leave();
    await opened?.cluster[Symbol.asyncDispose]();
    this.#channel.end();
  }

  #progress(): void {
    if (Date.now() - this.#saidProgress < 1000) return;
    this.#saidProgress = Date.now();
    this.#channel.send({ say: 'progress' });
  }

  #oldest(): number {
    let oldest = Date.now();
    for (const call of this.#calls.values()) if (call.doing !== undefined) oldest = Math.min(oldest, call.doing.since);
    return oldest;
  }

  #describe(id: number): string {
    const call = this.#calls.get(id);
    const doing = call?.doing;
    if (this.#diagnosis === undefined) return 'no monitor has answered yet; check their addresses and the network';
    const state = this.#diagnosis.text;
    if (doing === undefined) return `waited for its turn; ${state}`;
    return `${doing.name} has had no answer for ${((Date.now() - doing.since) / 1000).toFixed(1)} s; ${state}`;
  }

  readonly #log: Log = {
    debug: (fields, message) => this.#channel.send({ say: 'log', level: 'debug', fields: plain(fields), message }),
    info: (fields, message) => this.#channel.send({ say: 'log', level: 'info', fields: plain(fields), message }),
    warn: (fields, message) => this.#channel.send({ say: 'log', level: 'warn', fields: plain(fields), message }),
    error: (fields, message) => this.#channel.send({ say: 'log', level: 'error', fields: plain(fields), message }),
  };
}

function explainConnecting(error: unknown, { user, key }: Opening['connection']): unknown {
  if (isErrno(error, 'ETIMEDOUT')) {
    return new Failure('unreachable', 'MONITORS_SILENT', 'no monitor answered; check the addresses and the network', {
      cause: error,
    });
  }
  if (isErrno(error, 'EACCES', 'EPERM')) {
    return new Failure('unauthenticated', 'KEY_WRONG', `Ceph refused client.${user} with this key`, { cause: error });
  }
  if (!isKey(key)) {
    return new Failure('unauthenticated', 'KEY_WRONG', `the key of client.${user} is not a key of Ceph's form`, { cause: error });
  }
  return new Failure('unreachable', 'CONNECT_FAILED', `connecting as client.${user} failed`, { cause: error });
}

/** A CephX secret in base64: type, time and length in 12 bytes, then the secret of that length. */
function isKey(text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 12 && bytes.length === 12 + bytes.readUInt16LE(10);
}

/** Errors do not pass the channel as they are. */
function plain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? packFailure(value) : value]),
  );
}
