/** The driver as people run it: a process of its own, asked over its socket, its answers checked elsewhere. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CsiClient, connectCsi } from './csi-client.ts';
import { RUN } from './micro-ceph.ts';

export interface ClusterEntry {
  readonly monitors: readonly string[];
  readonly user: string;
  readonly key: string;
  readonly site?: string;
}

export interface DriverOptions {
  readonly role?: 'controller' | 'node' | 'standalone';
  readonly clusters: Readonly<Record<string, ClusterEntry>>;
  /** Further options, by name without the dashes. */
  readonly options?: Readonly<Record<string, string>>;
  /** The program; the sources when not given. */
  readonly program?: string;
  /** Where configuration, socket, log and state lie; a folder of a former driver goes on where that one was. */
  readonly dir?: string;
  /** The argument list that runs a program where the driver is to run, such as a network namespace. */
  readonly enter?: (program: string, args: readonly string[]) => readonly [string, ...string[]];
}

/** Milliseconds that a driver may take to answer: a second, but on a machine that is busy with other things. */
const START = 60_000;

const PROGRAM = join(import.meta.dirname, '../../src/bin/loligo.ts');

export class Driver implements AsyncDisposable {
  readonly dir: string;
  readonly csi: CsiClient;
  readonly #process: ChildProcess;
  readonly #ownsDir: boolean;

  constructor(at: { dir: string; ownsDir: boolean; process: ChildProcess }) {
    this.dir = at.dir;
    this.#ownsDir = at.ownsDir;
    this.#process = at.process;
    this.csi = connectCsi(join(at.dir, 'csi.sock'));
  }

  /** Resolves when the driver answers on its socket. */
  static async start(options: DriverOptions): Promise<Driver> {
    const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'loligo-'));
    writeClusters(dir, options.clusters);
    const given = {
      endpoint: `unix://${join(dir, 'csi.sock')}`,
      clusters: join(dir, 'clusters.json'),
      'state-dir': join(dir, 'state'),
      'node-name': 'node-1',
      'node-address': '127.0.0.1',
      health: '',
      ...options.options,
    };
    const args = Object.entries(given).map(([name, value]) => `--${name}=${value}`);
    const log = openSync(join(dir, 'driver.log'), 'a');
    const { enter = (program, given) => [program, ...given] } = options;
    const command = enter(process.execPath, [options.program ?? PROGRAM, options.role ?? 'standalone', ...args]);
    // It dies with the process that starts it, however that one ends; setpriv becomes the program, so its id is the driver's.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], { stdio: ['ignore', log, log], cwd: RUN });
    const driver = new Driver({ dir, ownsDir: options.dir === undefined, process: child });
    try {
      await driver.#ready();
    } catch (error) {
      await driver.kill();
      throw error;
    }
    return driver;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  log(): string {
    return readFileSync(join(this.dir, 'driver.log'), 'utf8');
  }

  /** Process ids of the agents that live now; a mapper's process is a child too, and is none. */
  agents(): number[] {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').split(' ');
    return children.filter((pid) => pid !== '' && isAgent(pid)).map(Number);
  }

  async #ready(): Promise<void> {
    const end = Date.now() + START;
    // A call to a socket that is not there yet makes gRPC wait a second before it tries again.
    while (!existsSync(join(this.dir, 'csi.sock')) && this.#process.exitCode === null && Date.now() < end) await sleep(5);
    for (;;) {
      try {
        await this.csi.call('GetPluginInfo', {}, { deadline: 1000 });
        return;
      } catch (error) {
        if (this.#process.exitCode !== null || Date.now() > end) {
          throw new Error(`the driver did not start:\n${this.log()}`, { cause: error });
        }
        await sleep(50);
      }
    }
  }

  async #ended(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    await new Promise((resolve) => this.#process.once('exit', resolve));
  }

  /** Asks it to end, without waiting; nothing happens when it has. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Waits for its end; null when a signal ended it. */
  async exitCode(): Promise<number | null> {
    await this.#ended();
    return this.#process.exitCode;
  }

  /** As a power cut would: its agents go with it, for their channel breaks. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended();
    this.csi.close();
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const patience = setTimeout(() => this.#process.kill('SIGKILL'), 30_000);
    await this.#ended();
    clearTimeout(patience);
    this.csi.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    if (this.#ownsDir) rmSync(this.dir, { recursive: true, force: true });
  }
}

function isAgent(pid: string): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes('agent');
}

/** Writes the cluster configuration as a mounted ConfigMap and Secret would show it; a running driver reads it again. */
export function writeClusters(dir: string, clusters: Readonly<Record<string, ClusterEntry>>): void {
  const entries = Object.entries(clusters).map(([name, { key, site = 'east', ...rest }]) => {
    writeFileSync(join(dir, `${name}.key`), `${key}\n`, { mode: 0o600 });
    return [name, { site, ...rest, keyFile: `${name}.key` }];
  });
  writeFileSync(join(dir, 'clusters.json'), JSON.stringify(Object.fromEntries(entries)));
}
