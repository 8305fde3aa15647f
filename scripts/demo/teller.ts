/** Tells a story step by step, until somebody wants it to stop. */
import { step } from '../step.ts';

/** The story was stopped between two steps, or in one. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

export class Teller {
  readonly #stop: AbortSignal;
  readonly #began = performance.now();

  constructor(stop: AbortSignal) {
    this.#stop = stop;
  }

  get seconds(): number {
    return Math.round((performance.now() - this.#began) / 1000);
  }

  heading(text: string): void {
    const bold = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
    console.log(bold ? `\n\u001b[1m${text}\u001b[0m` : `\n${text}`);
  }

  /** One line with its time. Throws Stopped instead of beginning when the story is to stop. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.#stop.aborted) throw new Stopped();
    return await step(name, work);
  }

  /** What a program shows, indented under the steps. */
  show(command: string, output: string): void {
    const lines = output.trimEnd().split('\n');
    console.log(['', `    $ ${command}`, ...lines.map((line) => `    ${line}`.trimEnd())].join('\n'));
  }
}
