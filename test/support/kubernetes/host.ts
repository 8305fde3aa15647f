/**
 * A machine of the cluster: network, mount and PID namespaces of its own. Its process 1 is our `pause`; when that one ends,
 * the kernel ends every other process in there and takes the mounts and the network devices with it, so nothing else
 * needs to be tidied. Nothing in it listens on the real machine's interfaces or mounts anything there.
 */
import { spawn } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, runProgram } from '../ceph/program.ts';
import { childOf, livingPid, processIdentity, signalProcess } from '../process-identity.ts';
import { programPath } from './binaries.ts';
import { Daemon, type DaemonCommand } from './daemon.ts';
import { until } from './waiting.ts';

export interface HostSpec {
  readonly name: string;
  readonly address: string;
  /** Where its files lie on the real machine. */
  readonly dir: string;
}

interface HostRecord {
  readonly name: string;
  readonly address: string;
  readonly init: string;
}

export class Host {
  readonly name: string;
  readonly address: string;
  readonly dir: string;
  /** Identity of its process 1, as the real machine sees it. */
  readonly init: string;

  private constructor(dir: string, { name, address, init }: HostRecord) {
    this.name = name;
    this.address = address;
    this.dir = dir;
    this.init = init;
  }

  static async start({ name, address, dir }: HostSpec): Promise<Host> {
    mkdirSync(join(dir, 'logs'), { recursive: true });
    const pause = programPath('pause');
    const isolate = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child=KILL', pause];
    const outer = spawn('unshare', isolate, { detached: true, cwd: '/', stdio: 'ignore' });
    outer.on('error', () => {}); // seen below as a process 1 that never comes
    outer.unref();
    const pid = await until(() => processOne(outer.pid ?? 0, pause), {
      what: `process 1 of ${name}`,
      timeout: 10_000,
      interval: 10,
    });
    const record = { name, address, init: processIdentity(pid) ?? '' };
    writeFileSync(join(dir, 'host.json'), JSON.stringify(record));
    return new Host(dir, record);
  }

  /** A host that this or another process started with that folder. */
  static attach(dir: string): Host {
    // Written by start alone.
    return new Host(dir, JSON.parse(readFileSync(join(dir, 'host.json'), 'utf8')) as HostRecord);
  }

  /** The file that stands for its network namespace. */
  get network(): string {
    return `/proc/${this.#pid()}/ns/net`;
  }

  /** The argument list that runs a program in there: its network, mounts and processes. */
  enter(program: string, args: readonly string[] = []): readonly [string, ...string[]] {
    return ['nsenter', '--target', String(this.#pid()), '--net', '--mount', '--pid', '--', program, ...args];
  }

  /** Runs a program in there to its end. */
  run(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    const [file, ...rest] = this.enter(program, args);
    return runProgram(file, rest, options);
  }

  /** Runs a program to its end with the host's network, but this machine's files and processes. */
  runInNetwork(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
    return runProgram('nsenter', [`--net=${this.network}`, '--', program, ...args], options);
  }

  async startDaemon(name: string, command: DaemonCommand): Promise<Daemon> {
    const daemon = Daemon.define(this, name, command);
    await daemon.start();
    return daemon;
  }

  /** A daemon that was started in there, running or not. */
  daemon(name: string): Daemon {
    return new Daemon(this, name);
  }

  /** Ends it with all its processes; nothing to do when it has ended. */
  async end(): Promise<void> {
    const init = this.init;
    signalProcess(init, 'SIGKILL');
    // Its process 1 goes last, and waits for those whose waiting `nsenter` is held still.
    for (const file of globSync('*.pid', { cwd: this.dir })) this.daemon(file.replace(/\.pid$/, '')).resume();
    await until(() => livingPid(init) === undefined, { what: `${this.name} has ended`, interval: 20 });
  }

  #pid(): number {
    const pid = livingPid(this.init);
    if (pid === undefined) throw new Error(`${this.name} has ended: its process 1 was ${this.init}`);
    return pid;
  }
}

/** The child of `unshare`, once it has become `pause`: before, its mounts are not its own yet. */
function processOne(outer: number, pause: string): number | undefined {
  const pid = childOf(outer);
  return pid !== undefined && readlinkSync(`/proc/${pid}/exe`) === pause ? pid : undefined;
}
