/** A program that ends with the test, however that ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';

export class ChildProgram implements AsyncDisposable {
  readonly log: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, log: string) {
    this.#child = child;
    this.log = log;
  }

  /** What it says goes to the file `log`. */
  static start(command: readonly string[], log: string, env: Readonly<Record<string, string>> = {}): ChildProgram {
    const given = { ...process.env, NO_PROXY: '*', ...env };
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], { env: given, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => appendFileSync(log, chunk));
    return new ChildProgram(child, log);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
