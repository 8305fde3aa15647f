/**
 * The network of a virtual machine and its Ceph cluster: a namespace of its own with a bridge, so nothing of it can be
 * reached from elsewhere. It goes with the process that made it, and with the last process in it.
 */
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { runProgram } from '../ceph/program.ts';
import { until } from '../kubernetes/waiting.ts';

const BRIDGE = 'br0';
const PREFIX = 24;
/** Of the bridge, where the Ceph cluster listens. */
const BRIDGE_ADDRESS = '10.112.0.1';

export class VmNetwork implements Disposable {
  readonly address = BRIDGE_ADDRESS;
  /** The file that stands for it. */
  readonly namespace: string;
  readonly #end: () => void;

  private constructor(namespace: string, end: () => void = () => undefined) {
    this.namespace = namespace;
    this.#end = end;
  }

  static async start(): Promise<VmNetwork> {
    // It does nothing but be there; it dies with this process, however that one ends.
    const holder = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'unshare', '--net', 'sleep', 'infinity'], { stdio: 'ignore' });
    const namespace = `/proc/${holder.pid}/ns/net`;
    await until(() => readlinkSync(namespace) !== readlinkSync('/proc/self/ns/net'), { what: 'a network namespace', interval: 10 });
    const network = new VmNetwork(namespace, () => holder.kill('SIGKILL'));
    await network.run('ip', ['link', 'set', 'lo', 'up']);
    await network.run('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
    await network.run('ip', ['address', 'add', `${BRIDGE_ADDRESS}/${PREFIX}`, 'dev', BRIDGE]);
    await network.run('ip', ['link', 'set', BRIDGE, 'up']);
    return network;
  }

  /** The one that another process made. */
  static attach(namespace: string): VmNetwork {
    return new VmNetwork(namespace);
  }

  /** The argument list that runs a program in it. */
  enter(program: string, args: readonly string[]): readonly [string, ...string[]] {
    return ['nsenter', `--net=${this.namespace}`, '--', program, ...args];
  }

  run(program: string, args: readonly string[]): Promise<string> {
    const [file, ...rest] = this.enter(program, args);
    return runProgram(file, rest);
  }

  /** Makes the other end of a machine's network card, and gives that its address. A machine that was killed left its own. */
  async plug(tap: string): Promise<void> {
    await this.unplug(tap);
    await this.run('ip', ['tuntap', 'add', 'dev', tap, 'mode', 'tap']);
    await this.run('ip', ['link', 'set', tap, 'master', BRIDGE, 'up']);
  }

  async unplug(tap: string): Promise<void> {
    const there = JSON.parse(await this.run('ip', ['-json', 'link', 'show', 'type', 'tun'])) as { ifname: string }[]; // as ip prints
    if (there.some(({ ifname }) => ifname === tap)) await this.run('ip', ['link', 'delete', tap]);
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}

/** As `ip address add` takes it: the n-th machine's, from 0. */
export function machineAddress(index: number): string {
  return `10.112.0.${11 + index}`;
}

export function withPrefix(address: string): string {
  return `${address}/${PREFIX}`;
}
