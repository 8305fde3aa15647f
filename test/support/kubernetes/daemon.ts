/** A long-running program on a host of the cluster: started, stopped, held still; known by its files. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { childOf, livingPid, processIdentity, signalProcess } from '../process-identity.ts';
import type { Host } from './host.ts';
import { until } from './waiting.ts';

export interface DaemonCommand {
  readonly program: string;
  readonly args: readonly string[];
}

interface Running {
  readonly pid: string;
  /** The `nsenter` that waits for it outside. It stops when its child is stopped, and then nobody buries the child. */
  readonly waiting: string;
}

const TERM_PATIENCE = 20_000; // milliseconds it gets to end by itself

export class Daemon {
  readonly name: string;
  readonly #host: Host;

  constructor(host: Host, name: string) {
    this.#host = host;
    this.name = name;
  }

  /** Writes down how it is started, so that other processes can do so too. */
  static define(host: Host, name: string, command: DaemonCommand): Daemon {
    const daemon = new Daemon(host, name);
    writeFileSync(daemon.#file('command'), JSON.stringify(command));
    return daemon;
  }

  /** Its process id on the real machine; `undefined` when it does not run. */
  get pid(): number | undefined {
    return livingPid(this.#identity());
  }

  get logFile(): string {
    return join(this.#host.dir, 'logs', `${this.name}.log`);
  }

  /** The last lines it wrote. */
  logTail(lines: number): string {
    const log = existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
    return log.trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** Starts it; nothing to do when it runs. */
  async start(): Promise<void> {
    if (this.pid !== undefined) return;
    // Written by define alone.
    const { program, args } = JSON.parse(readFileSync(this.#file('command'), 'utf8')) as DaemonCommand;
    const [file, ...rest] = this.#host.enter(program, args);
    const log = openSync(this.logFile, 'a');
    // Not this process's environment: its proxies and settings are none of the cluster's business.
    const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' };
    const outer = spawn(file, rest, { detached: true, cwd: '/', env, stdio: ['ignore', log, log] });
    closeSync(log);
    outer.on('error', () => {}); // seen below as a program that never comes
    outer.unref();
    const what = `${this.name} has started on ${this.#host.name}`;
    const pid = await until(() => childOf(outer.pid ?? 0), { what, timeout: 10_000, interval: 10 });
    const running: Running = { pid: processIdentity(pid) ?? '', waiting: processIdentity(outer.pid ?? 0) ?? '' };
    writeFileSync(this.#file('pid'), JSON.stringify(running));
  }

  /** Ends it as an init system would: SIGTERM, and SIGKILL when that does not help. */
  async stop(): Promise<void> {
    const identity = this.#identity();
    const gone = (): boolean => livingPid(identity) === undefined;
    signalProcess(identity, 'SIGTERM');
    try {
      await until(gone, { what: `${this.name} has ended`, timeout: TERM_PATIENCE, interval: 20 });
    } catch {
      await this.kill();
    }
  }

  async kill(): Promise<void> {
    const identity = this.#identity();
    signalProcess(identity, 'SIGKILL');
    await until(() => livingPid(identity) === undefined, { what: `${this.name} is gone`, interval: 20 });
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** SIGSTOP: it keeps its connections and says nothing more. */
  pause(): void {
    if (!signalProcess(this.#identity(), 'SIGSTOP')) throw new Error(`${this.name} does not run`);
  }

  /** SIGCONT; nothing to do when it does not run, or was not held. */
  resume(): void {
    const { pid, waiting } = this.#running();
    for (const identity of [waiting, pid]) signalProcess(identity, 'SIGCONT');
  }

  #identity(): string {
    return this.#running().pid;
  }

  #running(): Running {
    const file = this.#file('pid');
    // Written by start alone.
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Running) : { pid: '', waiting: '' };
  }

  #file(kind: 'command' | 'pid'): string {
    return join(this.#host.dir, `${this.name}.${kind}`);
  }
}
