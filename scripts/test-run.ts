/** One run of test files: what is shown, what is counted, how it is stopped. */
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

export interface Limits {
  /** Files at a time; the tests of one file run in order. */
  readonly concurrency: number;
  /** Milliseconds a file may take. */
  readonly timeout: number;
}

export class TestRun {
  /** The make target that runs one file again: `make <target> T=<file>`. */
  readonly #target: string;
  readonly #stopping = new AbortController();
  readonly #failedFiles = new Set<string>();
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  constructor(target: string) {
    this.#target = target;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => (this.stopped ? process.exit(130) : this.#stopping.abort()));
    }
  }

  get failed(): number {
    return this.#failed;
  }

  get stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async runFiles(paths: readonly string[], limits: Limits): Promise<void> {
    if (paths.length === 0 || this.stopped) return;
    const execArgv = ['--import', new URL('../test/support/orphan-guard.ts', import.meta.url).href];
    const events = run({ files: [...paths], ...limits, signal: this.#stopping.signal, execArgv });
    events.on('test:summary', ({ file, counts }) => {
      if (file !== undefined) return; // the sum of all follows
      this.#passed += counts.passed;
      this.#failed += counts.tests - counts.passed - counts.skipped - counts.todo;
      this.#skipped += counts.skipped;
    });
    events.on('test:fail', ({ file, todo }) => {
      if (file !== undefined && todo === undefined) this.#failedFiles.add(file);
    });
    for await (const text of events.compose(spec)) process.stdout.write(text);
  }

  /** Shows what to run again and the sum, and sets the exit code. */
  summarize(): void {
    if (this.#failedFiles.size > 0) console.log('\nTo run what failed again:');
    for (const file of this.#failedFiles) {
      console.log(`  make ${this.#target} T=${file.replace(/^.*\/test\//, '').replace(/\.test\.ts$/, '')}`);
    }
    const skipped = this.#skipped > 0 ? `, ${this.#skipped} skipped` : '';
    console.log(`\n${this.#passed} passed, ${this.#failed} failed${skipped}${this.stopped ? ', stopped' : ''}`);
    process.exitCode = this.stopped ? 130 : this.#failed > 0 || this.#passed === 0 ? 1 : 0;
  }
}
