/** Has the daemons kept by the mapper role, a process with a life and namespaces of its own, asked over its unix socket. */
import { createConnection } from 'node:net';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import { Failure } from '#lib/failure';
import { field, parseJson } from '#lib/json';
import { isListenedOn } from '#lib/unix-socket';
import { LIMITS } from '../limits.ts';
import type { DaemonKeeper, KeeperRequest } from './keeper.ts';
import { socketOf } from './volume-files.ts';

export class RemoteKeeper implements DaemonKeeper {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async missing(): Promise<string | undefined> {
    const missing = field(await this.#ask('missing', ''), 'missing');
    return missing === undefined ? undefined : String(missing);
  }

  async start(dir: string): Promise<void> {
    await this.#ask('start', basename(dir));
  }

  async end(dir: string): Promise<void> {
    // Daemons end with the PID namespace of the mapper role: when neither it nor they listen, there is nothing to end.
    if (!(await isListenedOn(this.#socket)) && !(await isListenedOn(socketOf(dir)))) return;
    await this.#ask('end', basename(dir));
  }

  async #ask(act: KeeperRequest['act'], volume: string): Promise<unknown> {
    const answer = parseJson(await this.#exchange({ act, volume }));
    if (field(answer, 'done') === true) return answer;
    throw new Failure('unfinished', String(field(answer, 'reason')), String(field(answer, 'message')));
  }

  async #exchange(request: KeeperRequest): Promise<string> {
    const socket = createConnection({ path: this.#socket });
    const timer = setTimeout(() => socket.destroy(), LIMITS.keeper);
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
