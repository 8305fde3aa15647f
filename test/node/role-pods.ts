/**
 * Roles as a kubelet runs them: each in a mount and a PID namespace of its own, a directory of the host in all of them
 * with mounts propagated both ways. Killing one kills all that runs in its PID namespace.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { volumesDir } from '../../src/node/paths.ts';
import { loopLabel } from '../../src/node/userspace/loop.ts';
import { removeHostRemains } from '../support/host-remains.ts';
import { runProgram } from '../support/micro-ceph.ts';
import { NODE, type NodeBed } from './node-bed.ts';
import type { Order } from './node-role.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const POD = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'unchanged'];
const PATIENCE = 60_000; // milliseconds that a role may take: the lock of a killed client is broken when its watch times out, after 30 s

export class RolePods implements AsyncDisposable {
  readonly socket: string;
  readonly #bed: NodeBed;
  readonly #pods = new Set<ChildProcess>();
  readonly #atExit = (): void => this.#takeDown();

  private constructor(bed: NodeBed) {
    this.#bed = bed;
    this.socket = join(bed.host.stateDir, 'mapper.sock');
  }

  /** The bed's folder becomes what a host path with bidirectional propagation is. */
  static async open(bed: NodeBed): Promise<RolePods> {
    await runProgram('mount', ['--bind', bed.dir, bed.dir]);
    await runProgram('mount', ['--make-shared', bed.dir]);
    const pods = new RolePods(bed);
    process.prependOnceListener('exit', pods.#atExit); // Before the bed's own, which removes the files.
    return pods;
  }

  /** The mapper role, the program itself, in a pod or as a plain process of the host; resolves when it serves. */
  mapper(where: 'pod' | 'host' = 'pod'): Promise<ChildProcess> {
    const options = [`--mapper-socket=${this.socket}`, `--state-dir=${this.#bed.host.stateDir}`, '--health=127.0.0.1:0'];
    const command = [process.execPath, join(ROOT, 'src/bin/loligo.ts'), 'mapper', ...options];
    return this.#start(where === 'pod' ? [...POD, ...command] : command, '"serving"');
  }

  /** A node role on an order; resolves when it is done with it. */
  node(order: Pick<Order, 'act' | 'stage' | 'publish'>): Promise<ChildProcess> {
    const whole: Order = { ...order, stateDir: this.#bed.host.stateDir, mapperSocket: this.socket };
    const command = [process.execPath, join(import.meta.dirname, 'node-role.ts')];
    return this.#start([...POD, ...command], 'done', JSON.stringify(whole));
  }

  /** As when the pod is deleted at once. */
  async kill(pod: ChildProcess): Promise<void> {
    const [init = ''] = readOr(`/proc/${pod.pid}/task/${pod.pid}/children`).trim().split(' ');
    pod.kill('SIGKILL');
    if (pod.exitCode === null && pod.signalCode === null) await once(pod, 'exit');
    this.#pods.delete(pod);
    // The first process of a PID namespace has ended, with all its threads, when all others in it have.
    while (init !== '' && !hasEnded(init)) await sleep(20);
  }

  /** Loop devices of the bed's volumes, which the kernel shows no path of once the namespace that made them is gone. */
  loops(): readonly string[] {
    const volumes = volumesDir(this.#bed.host.stateDir);
    const labels = new Set(readdirOr(volumes).map((name) => loopLabel({ node: NODE, path: join(volumes, name, 'image') })));
    const names = readdirSync('/sys/block').filter((name) => labels.has(readOr(`/sys/block/${name}/loop/sizelimit`).trim()));
    return names.map((name) => `/dev/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pod of this.#pods) await this.kill(pod);
    process.off('exit', this.#atExit);
    this.#takeDown();
  }

  #takeDown(): void {
    for (const pod of this.#pods) pod.kill('SIGKILL');
    for (const device of this.loops()) {
      spawnSync('umount', ['--all-targets', '--lazy', device]);
      spawnSync('losetup', ['--detach', device]);
    }
    const { dir } = this.#bed;
    spawnSync('umount', ['--lazy', dir]);
    removeHostRemains(dir);
  }

  async #start([program = '', ...args]: readonly string[], word: string, input = ''): Promise<ChildProcess> {
    const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
    const pod = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], { stdio }); // It dies with the test.
    this.#pods.add(pod);
    pod.stdin.end(input);
    const late = setTimeout(() => pod.kill('SIGKILL'), PATIENCE);
    try {
      let said = '';
      for await (const chunk of pod.stdout.iterator({ destroyOnReturn: false })) {
        said += String(chunk);
        if (said.includes(word)) return pod;
      }
      throw new Error(`the role ended before its time: ${said}`);
    } finally {
      clearTimeout(late);
      pod.stdout.resume();
    }
  }
}

function hasEnded(pid: string): boolean {
  const stat = readOr(`/proc/${pid}/stat`);
  return stat === '' || (/^\d+ .*\) Z/.test(stat) && readdirOr(`/proc/${pid}/task`).length <= 1);
}

function readdirOr(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
