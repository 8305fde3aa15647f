/**
 * The one place where the node role starts programs: an argument list, never a shell; an environment of its own;
 * a time limit after which the whole process group is killed; bounded output. Nothing secret may be an argument.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Failure } from '#lib/failure';

export interface RunOptions {
  /** Milliseconds until the program and its children are killed. */
  readonly limit: number;
  /** Exit codes that are answers and not failures; only 0 when left out. */
  readonly accept?: readonly number[];
  /** Bytes of standard output that are kept; the rest is dropped. 64 KiB when left out. */
  readonly keep?: number;
  /** At the limit the program is left to go on, and not killed. */
  readonly leave?: boolean;
  /** What the program reads on its standard input; nothing when left out. */
  readonly input?: Buffer;
}

export interface Ran {
  readonly exit: number;
  readonly stdout: Buffer;
  /** The last lines of standard error, without control characters. */
  readonly stderr: string;
}

const KEEP = 64 * 1024;
/** A program in an uninterruptible wait survives SIGKILL; nobody waits for it longer than this. */
const AFTER_KILL = 500;
/** A container sees nothing of the host's udev, and device-mapper's programs would wait for it. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', DM_DISABLE_UDEV: '1' };

/**
 * Runs a program to its end.
 * Throws `precondition` when it is not installed, and `unfinished` when it was killed, ran out of time, or ended with
 * a code that was not accepted: what it did until then is for the next call to look at.
 */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const child = spawn(program, args, { env: ENVIRONMENT, cwd: '/', detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  // A program that ends before it has read everything says so by its exit code.
  child.stdin.on('error', () => undefined).end(options.input);
  const stdout = collect(child.stdout, options.keep ?? KEEP);
  const stderr = collect(child.stderr, KEEP);
  const exit = await ended(child, program, options);
  const ran = { exit, stdout: stdout(), stderr: lastLines(stderr()) };
  if (!(options.accept ?? [0]).includes(exit)) {
    throw new Failure('unfinished', 'PROGRAM_FAILED', `${program} ended with ${exit}: ${ran.stderr}`);
  }
  return ran;
}

/** How a program ended: by its exit code or by a signal. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Detached {
  /** What the program says is appended here. */
  readonly logFile: string;
  /** An open file that it has as number 3. */
  readonly file?: number;
  /** Called when it ends while we are still there. */
  readonly ended: (how: Ended) => void;
}

/**
 * Starts a program that outlives us, in a session of its own.
 * Returns when it has been started, which says nothing about how it fares.
 */
export function startDetached(program: string, args: readonly string[], { logFile, file, ended }: Detached): Promise<void> {
  const log = openSync(logFile, 'a', 0o600);
  const stdio = ['ignore' as const, log, log, ...(file === undefined ? [] : [file])];
  const child = spawn(program, args, { env: ENVIRONMENT, cwd: '/', detached: true, stdio });
  closeSync(log);
  child.unref();
  child.once('exit', (code, signal) => ended({ code, signal }));
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      reject(new Failure('precondition', 'PROGRAM_MISSING', `${program} cannot be started on this node`, { cause }));
    });
  });
}

function ended(child: ChildProcess, program: string, { limit, leave = false }: RunOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    let late = false;
    const giveUp = () => reject(new Failure('unfinished', 'PROGRAM_TIMED_OUT', `${program} did not end in ${limit} ms`));
    const timer = setTimeout(() => {
      late = true;
      if (!leave) killGroup(child);
      setTimeout(() => {
        abandon(child);
        giveUp();
      }, AFTER_KILL).unref();
    }, limit);
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(new Failure('precondition', 'PROGRAM_MISSING', `${program} cannot be started on this node`, { cause }));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (late) giveUp();
      else if (code !== null) resolve(code);
      else reject(new Failure('unfinished', 'PROGRAM_KILLED', `${program} was ended by ${signal}`));
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended by itself in between.
  }
}

function abandon(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}

function collect(stream: NodeJS.ReadableStream | null, keep: number): () => Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (size < keep) chunks.push(chunk.subarray(0, keep - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks);
}

function lastLines(text: Buffer): string {
  const lines = text
    .toString('utf8')
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== '');
  return lines
    .slice(-3)
    .join('; ')
    .replaceAll(/\p{Cc}/gu, ' ')
    .slice(-400);
}
