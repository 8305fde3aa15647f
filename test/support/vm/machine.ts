/**
 * A virtual machine under emulation with Debian's own kernel, which has what the kernels of build machines lack: rbd, nbd,
 * dm-crypt. Killing QEMU is its power cut: `cut`, then `boot` with the same disk. It dies with the process that started it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { runProgram } from '../ceph/program.ts';
import { until } from '../kubernetes/waiting.ts';
import { type MicroCeph, RUN } from '../micro-ceph.ts';
import { livingPid, processIdentity } from '../process-identity.ts';
import { AgentClient, type RunOptions } from './agent-client.ts';
import { initramfs } from './initramfs.ts';
import { debianKernel, type Kernel } from './kernel.ts';
import { machineAddress, type VmNetwork, withPrefix } from './network.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const PREFIX = 'vm-';
const OWNER = 'owner.json';
const DISK = 2 ** 30; // sparse
const MEMORY = '1536M';
/** What Debian's programs need, and no more: wide vectors are slow to emulate. */
const CPU = 'Nehalem';
const BOOT_TIMEOUT = 240_000; // milliseconds; 10 s when nothing else runs

export interface MachineOptions {
  /** For a second machine on the same network. */
  readonly index?: number;
  /** Its console is this process' terminal. */
  readonly interactive?: boolean;
}

interface Parts {
  readonly network: VmNetwork;
  readonly kernel: Kernel;
  readonly root: string;
  readonly dir: string;
  readonly sockets: string;
  readonly index: number;
  readonly interactive: boolean;
}

export class Machine implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #agent: AgentClient;
  readonly #forwarder: ChildProcess;
  #qemu: ChildProcess | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#agent = new AgentClient(join(parts.sockets, 'agent.sock'));
    const [file, ...args] = parts.network.enter(process.execPath, [
      join(import.meta.dirname, 'forwarder.ts'),
      parts.sockets,
      this.address,
    ]);
    this.#forwarder = tied(file, args, 'ignore');
  }

  /** A new one with an empty disk, booted. */
  static async start(network: VmNetwork, { index = 0, interactive = false }: MachineOptions = {}): Promise<Machine> {
    const kernel = await debianKernel();
    const root = await initramfs(kernel);
    mkdirSync(RUN, { recursive: true });
    sweep();
    const { dir, sockets } = makeFolders();
    const machine = new Machine({ network, kernel, root, dir, sockets, index, interactive });
    try {
      await Promise.all([machine.#bundle(), makeDisk(join(dir, 'disk'))]);
      await machine.boot();
      return machine;
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  get name(): string {
    return `vm-${this.#parts.index}`;
  }

  get address(): string {
    return machineAddress(this.#parts.index);
  }

  /** As `uname -r` says it. */
  get kernel(): string {
    return this.#parts.kernel.version;
  }

  /** The driver's socket outside: what is said to it reaches the driver in the machine. */
  get csiSocket(): string {
    return join(this.#parts.sockets, 'csi.sock');
  }

  /** The process id of QEMU, for `kill`. */
  get pid(): number | undefined {
    return this.#qemu?.pid;
  }

  /** What its kernel and process 1 wrote. */
  console(): string {
    const path = join(this.#parts.dir, 'console');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** Starts QEMU and waits until programs can be run. */
  async boot(): Promise<void> {
    const { network, interactive } = this.#parts;
    await network.plug(this.#tap);
    const [file, ...args] = network.enter('qemu-system-x86_64', this.#arguments());
    const log = interactive ? 'inherit' : openSync(join(this.#parts.dir, 'qemu.log'), 'a');
    this.#qemu = tied(file, args, log);
    const ended = (): boolean => this.#qemu?.exitCode !== null || this.#qemu.signalCode !== null;
    await until(async () => ended() || (await this.run('true', [], { timeout: 3_000 })) === '', {
      what: 'the machine runs programs',
      timeout: BOOT_TIMEOUT,
    });
    if (ended()) throw new Error(`QEMU ended:\n${readFileSync(join(this.#parts.dir, 'qemu.log'), 'utf8')}\n${this.console()}`);
  }

  /** As when the power fails: nothing is written out, nobody is told. */
  async cut(): Promise<void> {
    const qemu = this.#qemu;
    if (qemu === undefined || qemu.exitCode !== null || qemu.signalCode !== null) return;
    const exited = new Promise((done) => qemu.once('exit', done));
    qemu.kill('SIGKILL');
    await exited;
    this.#qemu = undefined;
  }

  /** Power off and on. */
  async reset(): Promise<void> {
    await this.cut();
    await this.boot();
  }

  run(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    return this.#agent.run(program, args, options);
  }

  /** Starts a program that stays, what it says appended to a file in the machine; gives its process id there. */
  start(program: string, args: readonly string[], log: string): Promise<number> {
    return this.#agent.start(program, args, log);
  }

  /** Ceph's programs in the machine find the cluster, as its administrator. */
  async useCeph(ceph: MicroCeph): Promise<void> {
    const keyring = readFileSync(join(ceph.dir, 'client.admin.keyring'), 'utf8');
    await this.write('/etc/ceph/ceph.client.admin.keyring', keyring);
    await this.write('/etc/ceph/ceph.conf', `[global]\nmon_host = ${ceph.monitors.join(',')}\n`);
  }

  /** Makes a file in the machine that root alone can read. */
  async write(path: string, content: string): Promise<void> {
    await this.#agent.write(path, content);
  }

  /** Resolves when QEMU has ended. */
  async ended(): Promise<void> {
    const qemu = this.#qemu;
    if (qemu === undefined || qemu.exitCode !== null || qemu.signalCode !== null) return;
    await new Promise((done) => qemu.once('exit', done));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
    this.#forwarder.kill('SIGKILL');
    await this.#parts.network.unplug(this.#tap);
    removeFolders(this.#parts.dir, this.#parts.sockets);
  }

  get #tap(): string {
    return `tap${this.#parts.index}`;
  }

  /** The program as users run it, and the agent: the types of some hundred files are not stripped under emulation. */
  async #bundle(): Promise<void> {
    const { dir } = this.#parts;
    const agent = join(import.meta.dirname, 'guest/agent.ts');
    await Promise.all([
      runProgram(process.execPath, [join(ROOT, 'scripts/build.ts'), join(dir, 'bin')]),
      runProgram('esbuild', [agent, '--bundle', '--platform=node', '--format=esm', `--outfile=${join(dir, 'agent.js')}`]),
    ]);
  }

  #arguments(): string[] {
    const { kernel, root, dir, index, interactive } = this.#parts;
    const bed = join('/project', relative(ROOT, dir));
    const told = [`loligo.address=${withPrefix(this.address)}`, `loligo.name=${this.name}`, `loligo.bed=${bed}`];
    const mac = `52:54:00:00:00:${(16 + index).toString(16)}`;
    return [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', CPU, '-smp', '2', '-m', MEMORY],
      ...['-kernel', kernel.image, '-initrd', root],
      ...['-append', ['console=ttyS0', 'quiet', 'panic=-1', 'mitigations=off', 'audit=0', 'apparmor=0', ...told].join(' ')],
      ...['-serial', interactive ? 'stdio' : `file:${join(dir, 'console')}`],
      ...['-netdev', `tap,id=net,ifname=${this.#tap},script=no,downscript=no`, '-device', `virtio-net-pci,netdev=net,mac=${mac}`],
      ...['-drive', `file=${join(dir, 'disk')},format=raw,if=virtio`, '-device', 'virtio-rng-pci'],
      ...shared('usr', '/usr'),
      ...shared('modules', dirname(kernel.modules)),
      ...shared('project', ROOT),
      ...shared('node', dirname(process.execPath)),
    ];
  }
}

/** Its processes end with this one by themselves; its folders at exit, or with the next machine. */
function makeFolders(): { readonly dir: string; readonly sockets: string } {
  const dir = mkdtempSync(join(RUN, PREFIX));
  const sockets = mkdtempSync(join(tmpdir(), PREFIX)); // a socket's path may have 107 bytes
  writeFileSync(join(dir, OWNER), JSON.stringify({ sockets, owner: processIdentity(process.pid) }));
  process.once('exit', () => removeFolders(dir, sockets));
  return { dir, sockets };
}

/** Removes the folders of machines whose starter was killed. */
function sweep(): void {
  for (const name of globSync(`${PREFIX}*/${OWNER}`, { cwd: RUN })) {
    const { owner, sockets } = JSON.parse(readFileSync(join(RUN, name), 'utf8')) as { owner: string; sockets: string }; // our own
    if (livingPid(owner) === undefined) removeFolders(join(RUN, dirname(name)), sockets);
  }
}

function removeFolders(...folders: readonly string[]): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

function shared(tag: string, path: string): string[] {
  return ['-virtfs', `local,path=${path},mount_tag=${tag},security_model=none,readonly=on,multidevs=remap`];
}

async function makeDisk(path: string): Promise<void> {
  writeFileSync(path, '');
  truncateSync(path, DISK);
  await runProgram('mkfs.ext4', ['-q', '-F', path]);
}

/** A process that dies with this one. Detached: Ctrl-C reaches the tests first, which still need it to clean up. */
function tied(file: string, args: readonly string[], output: 'ignore' | 'inherit' | number): ChildProcess {
  const input = output === 'inherit' ? 'inherit' : 'ignore';
  const command = ['--pdeathsig', 'KILL', '--', file, ...args];
  const child = spawn('setpriv', command, { detached: output !== 'inherit', cwd: '/', stdio: [input, output, output] });
  child.on('error', () => undefined); // seen as a machine that never answers
  return child;
}
