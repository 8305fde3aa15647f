/** QEMU's control protocol over a unix socket: one JSON object a line, a command and its answer at a time. */
import { createConnection, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { isErrno } from '../errno.ts';
import { qmpFailure } from './qmp-failure.ts';

export type QmpArguments = Readonly<Record<string, unknown>>;

export class Qmp implements Disposable {
  readonly #socket: Socket;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  readonly #deadline: NodeJS.Timeout;

  private constructor(socket: Socket, limit: number) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket });
    // A socket that is destroyed has no end, and readline would wait for one for ever.
    socket.once('close', () => this.#lines.close());
    this.#answers = this.#lines[Symbol.asyncIterator]();
    this.#deadline = setTimeout(() => socket.destroy(), limit);
  }

  /** The whole conversation must be over within `limit` milliseconds; what is not answered by then is `unfinished`. */
  static async connect(path: string, limit: number): Promise<Qmp> {
    const qmp = new Qmp(await connected(path, limit), limit);
    try {
      await qmp.#next(); // The greeting.
      await qmp.ask('qmp_capabilities');
      return qmp;
    } catch (error) {
      qmp[Symbol.dispose]();
      throw error;
    }
  }

  async ask(command: string, args: QmpArguments = {}): Promise<unknown> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    for (;;) {
      const answer = await this.#next();
      if ('return' in answer) return answer['return'];
      if ('error' in answer) throw qmpFailure(command, answer['error'], args);
      // Anything else is an event, which nobody waits for.
    }
  }

  async #next(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Failure('unfinished', 'DAEMON_SILENT', 'the process that maps the volume stopped answering');
    const answer: unknown = JSON.parse(value);
    if (typeof answer !== 'object' || answer === null) throw new Failure('unfinished', 'DAEMON_SILENT', 'not the control protocol');
    return { ...answer };
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#deadline);
    this.#lines.close();
    this.#socket.destroy();
  }
}

/** The daemon takes one conversation at a time, and the kernel keeps only a few waiting: EAGAIN says to come back. */
async function connected(path: string, limit: number): Promise<Socket> {
  const until = Date.now() + limit;
  for (;;) {
    try {
      return await connectOnce(path, until - Date.now());
    } catch (cause) {
      if (isErrno(cause, 'EAGAIN') && Date.now() < until) await sleep(20);
      else throw new Failure('unfinished', 'DAEMON_SILENT', 'the process that maps the volume cannot be asked', { cause });
    }
  }
}

function connectOnce(path: string, limit: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    const fail = (cause?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(cause);
    };
    const timer = setTimeout(fail, limit);
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      socket.on('error', () => socket.destroy()); // Seen as the end of the answers.
      resolve(socket);
    });
  });
}
