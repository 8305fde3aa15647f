/** Runs a program to its end: no shell, its output returned, its complaint in the error. */
import { execFile } from 'node:child_process';

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  readonly cwd?: string;
  /** Milliseconds; a witness must not hang a test run. */
  readonly timeout?: number;
}

/** What a program that failed left: its exit code and all it said. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;

  constructor(command: string, code: number | string | null | undefined, output: { stdout: string; stderr: string }) {
    super(`${command} ended with ${code}: ${output.stderr.trim()}`);
    this.code = code;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
  }
}

export function runProgram(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { env, input, cwd, timeout = 120_000 } = options;
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      { env: { ...process.env, ...env }, cwd, timeout, killSignal: 'SIGKILL', maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new ProgramError([file, ...args].join(' '), error.code ?? error.signal, { stdout, stderr }));
      },
    );
    child.stdin?.on('error', () => {}); // a program that does not read its input closes it
    child.stdin?.end(input);
  });
}
