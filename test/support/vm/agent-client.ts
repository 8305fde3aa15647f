/** Asks the agent in a machine. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Ran, Request } from './guest/protocol.ts';

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds; two minutes when left out. */
  readonly timeout?: number;
}

/** A program in the machine that did not end with 0. */
export class GuestError extends Error {
  override readonly name = 'GuestError';
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;

  constructor(command: string, { exit, signal, stdout, stderr, failed }: Ran) {
    super(`in the machine: ${command} ended with ${failed ?? exit ?? signal}: ${stderr.trim().slice(-2000)}`);
    this.exit = exit;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

export class AgentClient {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** Runs a program to its end and gives what it printed; throws `GuestError` unless it ended with 0. */
  async run(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    const { input = '', env = {}, timeout = 120_000 } = options;
    const request = { act: 'run', program, args, env, timeout, input: Buffer.from(input).toString('base64') } as const;
    const answer = JSON.parse(await this.#ask(request, timeout + 10_000)) as Ran; // the agent's own
    const ran = { ...answer, stdout: decoded(answer.stdout), stderr: decoded(answer.stderr) };
    if (ran.exit !== 0) throw new GuestError([program, ...args].join(' '), ran);
    return ran.stdout;
  }

  /** Starts a program that stays, and gives its process id. */
  async start(program: string, args: readonly string[], log: string): Promise<number> {
    const answer = JSON.parse(await this.#ask({ act: 'start', program, args, env: {}, log }, 10_000)) as { pid: number };
    return answer.pid;
  }

  async write(path: string, content: string | Buffer): Promise<void> {
    const answer = await this.#ask({ act: 'write', path, content: Buffer.from(content).toString('base64') }, 30_000);
    const { failed } = JSON.parse(answer) as { failed?: string };
    if (failed !== undefined) throw new Error(`in the machine: ${path} cannot be written: ${failed}`);
  }

  async #ask(request: Request, timeout: number): Promise<string> {
    const socket = connect(this.#socket);
    const timer = setTimeout(() => socket.destroy(new Error(`the machine did not answer in ${timeout} ms`)), timeout);
    try {
      socket.write(`${JSON.stringify(request)}\n`);
      const answer = await text(socket);
      if (answer === '') throw new Error('the machine does not answer');
      return answer;
    } finally {
      clearTimeout(timer);
      socket.destroy();
    }
  }
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
