/** The demo as a person runs it, perhaps stopped on the way, and what of it is still there afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostRemains, removeHostRemains } from '../support/host-remains.ts';
// Not its clusters: the demo brings its own. But it needs what they need, and the runner looks for this import.
import '../support/micro-ceph.ts';

export interface Stop {
  readonly signal: 'SIGINT' | 'SIGTERM';
  /** As Ctrl-C does: every process of the terminal gets it, not the demo alone. */
  readonly everybody: boolean;
  /** Milliseconds after the start, or the text after which it is stopped. */
  readonly after: number | string;
}

export interface DemoRun {
  readonly exitCode: number | null;
  readonly output: string;
  /** From the signal to the end, in milliseconds; 0 when it was not stopped. */
  readonly stopTook: number;
  /** Processes, mounts, loop devices and files. */
  readonly remains: readonly string[];
}

const DEMO = join(import.meta.dirname, '../../scripts/demo.ts');
const RUN_MAX = 170_000; // milliseconds; it promises less than three minutes

export async function runDemo(stop?: Stop): Promise<DemoRun> {
  // All folders of the demo lie in this one, the sockets of its cluster too.
  const tmp = mkdtempSync('/tmp/ld-');
  const demo = spawn(process.execPath, [DEMO], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: tmp },
  });
  const ended = once(demo, 'exit');
  const endAtExit = (): void => kill(demo, { signal: 'SIGINT', everybody: false });
  process.once('exit', endAtExit);
  const overdue = setTimeout(() => kill(demo, { signal: 'SIGTERM', everybody: false }), RUN_MAX);
  try {
    const output = Promise.all([text(demo.stdout), text(demo.stderr)]);
    const stopped = stop === undefined ? undefined : await stopIt(demo, stop);
    const [exitCode] = await ended;
    const stopTook = stopped === undefined ? 0 : Date.now() - stopped;
    const remains = [...processesOfSession(demo.pid ?? 0), ...hostRemains(tmp), ...readdirSync(tmp).map((name) => `file ${name}`)];
    return { exitCode, output: (await output).join(''), stopTook, remains };
  } finally {
    clearTimeout(overdue);
    process.off('exit', endAtExit);
    removeHostRemains(tmp);
    rmSync(tmp, { recursive: true, force: true });
  }
}

async function stopIt(demo: ChildProcess, stop: Stop): Promise<number> {
  if (typeof stop.after === 'number') await sleep(stop.after);
  else await said(demo, stop.after);
  kill(demo, stop);
  return Date.now();
}

async function said(demo: ChildProcess, words: string): Promise<void> {
  let output = '';
  const { promise, resolve } = Promise.withResolvers<void>();
  demo.stdout?.on('data', (chunk) => {
    output += String(chunk);
    if (output.includes(words)) resolve();
  });
  demo.once('exit', () => resolve());
  await promise;
}

function kill({ pid = 0 }: ChildProcess, { signal, everybody }: Pick<Stop, 'signal' | 'everybody'>): void {
  try {
    process.kill(everybody ? -pid : pid, signal);
  } catch {
    // It has ended.
  }
}

/** Daemons have sessions of their own: those show by their folders. */
function processesOfSession(session: number): readonly string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => sessionOf(pid) === session).map((pid) => `process ${pid}`);
}

function sessionOf(pid: string): number {
  try {
    // Field 6 of stat; field 2 is the name in brackets, which may hold blanks.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[3]);
  } catch {
    return 0;
  }
}
