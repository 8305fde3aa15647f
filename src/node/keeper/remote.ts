/** Has the processes kept by the mapper role, a process with a life and namespaces of its own, asked over its unix socket. */
import { createConnection } from 'node:net';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import { Failure } from '#lib/failure';
import { field, parseJson } from '#lib/json';
import { isListenedOn } from '#lib/unix-socket';
import { LIMITS } from '../limits.ts';
import { nbdSocket } from '../nbd/files.ts';
import { socketOf } from '../userspace/volume-files.ts';
import type { DaemonKeeper, KeeperRequest, Keepers, NbdKeeper, NbdOrder } from './keeper.ts';

export function remoteKeepers(socket: string): Keepers {
  const role = new MapperRole(socket);
  return { daemon: new RemoteDaemons(role), nbd: new RemoteNbd(role) };
}

class RemoteDaemons implements DaemonKeeper {
  readonly #role: MapperRole;

  constructor(role: MapperRole) {
    this.#role = role;
  }

  missing(): Promise<string | undefined> {
    return this.#role.said('missing', { act: 'missing', volume: '' });
  }

  async start(dir: string): Promise<void> {
    await this.#role.ask({ act: 'start', volume: basename(dir) });
  }

  async end(dir: string): Promise<void> {
    if (await this.#role.mayKeep(socketOf(dir))) await this.#role.ask({ act: 'end', volume: basename(dir) });
  }
}

class RemoteNbd implements NbdKeeper {
  readonly #role: MapperRole;

  constructor(role: MapperRole) {
    this.#role = role;
  }

  missing(): Promise<string | undefined> {
    return this.#role.said('missing', { act: 'nbd-missing', volume: '' });
  }

  serve(dir: string, order: NbdOrder): Promise<string | undefined> {
    return this.#role.said('complaint', { act: 'nbd-serve', volume: basename(dir), order });
  }

  async end(dir: string): Promise<void> {
    if (await this.#role.mayKeep(nbdSocket(dir))) await this.#role.ask({ act: 'nbd-end', volume: basename(dir) });
  }
}

class MapperRole {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async ask(request: KeeperRequest): Promise<unknown> {
    const answer = parseJson(await this.#exchange(request));
    if (field(answer, 'done') === true) return answer;
    throw new Failure('unfinished', String(field(answer, 'reason')), String(field(answer, 'message')));
  }

  /** A field of the answer that may be left out. */
  async said(name: string, request: KeeperRequest): Promise<string | undefined> {
    const value = field(await this.ask(request), name);
    return value === undefined ? undefined : String(value);
  }

  /** Its processes end with its PID namespace: when neither it nor they listen, there is nothing to end. */
  async mayKeep(processSocket: string): Promise<boolean> {
    return (await isListenedOn(this.#socket)) || (await isListenedOn(processSocket));
  }

  async #exchange(request: KeeperRequest): Promise<string> {
    const socket = createConnection({ path: this.#socket });
    const limit = request.act === 'nbd-serve' ? LIMITS.keeperMap : LIMITS.keeper;
    const timer = setTimeout(() => socket.destroy(), limit);
    try {
      socket.write(`${JSON.stringify(request)}\n`);
      const answer = await text(socket);
      if (answer !== '') return answer;
    } catch {
      // The same as an answer that is cut off: whether it was done is seen by the next call.
    } finally {
      clearTimeout(timer);
      socket.destroy();
    }
    throw new Failure('unfinished', 'MAPPER_SILENT', `the mapper role does not answer at ${this.#socket}`);
  }
}
