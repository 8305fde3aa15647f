/** When objects of a kind came and reached their phases, as a watch tells it: the API server's own times are whole seconds. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { programPath } from './binaries.ts';
import type { TestNamespace } from './test-namespace.ts';

const PATH = '{.metadata.name} {.status.phase}{"\\n"}';

export class PhaseTimes implements Disposable {
  readonly #watch: ChildProcess;
  /** Milliseconds of `performance.now()` by name, then by phase; '' is when it was first seen. */
  readonly #times = new Map<string, Map<string, number>>();

  /** From now on, for `kind` in a namespace. */
  constructor({ kube, name }: TestNamespace, kind: string) {
    const watch = ['get', kind, '--namespace', name, '--watch', '--output', `jsonpath=${PATH}`];
    const args = [`--net=${kube.control.network}`, '--', programPath('kubectl'), `--kubeconfig=${kube.kubeconfig}`, ...watch];
    this.#watch = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, NO_PROXY: '*' } });
    createInterface({ input: this.#watch.stdout ?? process.stdin }).on('line', (line) => this.#note(line));
  }

  /** Names of those that have reached a phase. */
  reached(phase: string): readonly string[] {
    return [...this.#times].filter(([, times]) => times.has(phase)).map(([name]) => name);
  }

  /** When that was; NaN when it was not. */
  time(name: string, phase = ''): number {
    return this.#times.get(name)?.get(phase) ?? Number.NaN;
  }

  [Symbol.dispose](): void {
    this.#watch.kill('SIGKILL');
  }

  #note(line: string): void {
    const [name = '', phase = ''] = line.split(' ');
    const times = this.#times.get(name) ?? new Map([['', performance.now()]]);
    if (!times.has(phase)) times.set(phase, performance.now());
    this.#times.set(name, times);
  }
}
