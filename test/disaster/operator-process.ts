/** The operator as a process of its own, as its pod runs it: started, killed, started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const PROGRAM = resolve(import.meta.dirname, '../../src/bin/loligo.ts');

export class OperatorProcess implements AsyncDisposable {
  readonly log: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, log: string) {
    this.#child = child;
    this.log = log;
  }

  /** `dir` holds clusters.json. */
  static start(dir: string, kubeconfig: string): OperatorProcess {
    const log = join(dir, 'operator.log');
    const options = ['--clusters', join(dir, 'clusters.json'), '--health', '', '--lease', 'default/loligo-operator'];
    const args = ['--pdeathsig', 'KILL', '--', process.execPath, PROGRAM, 'operator', ...options, '--log-level', 'info'];
    const env = { ...process.env, KUBECONFIG: kubeconfig, NO_PROXY: '*' };
    const child = spawn('setpriv', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => appendFileSync(log, chunk));
    return new OperatorProcess(child, log);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resident memory of the process itself, in MB; its agents are processes of their own. */
  memory(): number {
    const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) / 1024;
  }

  /** As when its node loses power. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}
