/**
 * A real Ceph cluster for tests: one monitor, one manager, one OSD on a sparse file, all on 127.0.0.1 with cephx.
 * It takes about 9 s to start and 400 MB. One serves a whole test run (`shared-ceph.ts`); a test that stops daemons
 * or needs "another cluster" starts its own: `await using ceph = await MicroCeph.start()`.
 * The witnesses `rbd`, `ceph` and `rados` are Ceph's own programs: what they say is what is.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askDaemon } from './ceph/admin-socket.ts';
import { bringUp, DAEMONS, type DaemonName, readLayout, sweep, tearDown, untilHealthy } from './ceph/bring-up.ts';
import { inNetwork, type Layout, LOOPBACK, type Network, type Settings } from './ceph/conf.ts';
import { daemonPid, killDaemon, MIRROR, signalDaemon, startDaemon } from './ceph/daemon.ts';
import { TestPool } from './ceph/pool.ts';
import { runProgram } from './ceph/program.ts';

export { ProgramError, runProgram } from './ceph/program.ts';
export { TestPool };

export type Kind = 'mon' | 'mgr' | 'osd' | 'rbd-mirror';

export interface StartOptions {
  /** Where it lives; by default a new folder under `.run/`. A cluster that an earlier run left there is removed first. */
  readonly dir?: string;
  /** More options for ceph.conf, such as `{ paxos_propose_interval: '0.1' }`. */
  readonly settings?: Settings;
  /** Where its daemons listen, and whence Ceph's programs ask them: by default on loopback. */
  readonly network?: Network;
  /** Identity (`process-identity.ts`) of a process that it stays as long as; by default it ends with this one. */
  readonly keeper?: string;
}

/** One operation of the OSD's history, as far as tests look at it. */
export interface HistoricOp {
  readonly description: string;
  readonly initiated_at: string;
  readonly duration: number;
}

/** Everything that runs and is thrown away lives under this folder. */
export const RUN = resolve(import.meta.dirname, '../../.run');

export class MicroCeph implements AsyncDisposable {
  readonly #layout: Layout;
  /** Whether daemons that this process starts die with it. */
  readonly #tied: boolean;

  private constructor(layout: Layout, tied: boolean) {
    this.#layout = layout;
    this.#tied = tied;
  }

  static async start(options: StartOptions = {}): Promise<MicroCeph> {
    const { dir = join(RUN, `ceph-${randomBytes(4).toString('hex')}`), settings = {}, network = LOOPBACK, keeper } = options;
    mkdirSync(dir, { recursive: true });
    await sweep(RUN);
    try {
      return new MicroCeph(await bringUp({ dir: resolve(dir), settings, network, keeper }), keeper === undefined);
    } catch (error) {
      await tearDown(resolve(dir));
      throw error;
    }
  }

  /** The cluster that another process started in `dir`, and that stays that one's to stop. */
  static attach(dir: string): MicroCeph {
    const layout = readLayout(resolve(dir));
    if (layout === undefined) throw new Error(`no micro cluster in ${dir}`);
    return new MicroCeph(layout, false);
  }

  get dir(): string {
    return this.#layout.dir;
  }

  /** For `CEPH_CONF` or `-c`; names the administrator's keyring too. */
  get conf(): string {
    return join(this.dir, 'ceph.conf');
  }

  get fsid(): string {
    return this.#layout.fsid;
  }

  /** As the cluster configuration wants them: one address in Ceph's `[v2:…,v1:…]` form. */
  get monitors(): readonly string[] {
    return [this.#layout.monitors];
  }

  /** Kills the daemons and removes the data. */
  async stop(): Promise<void> {
    await tearDown(this.dir);
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Copies the daemons' logs to where they outlive the cluster (until the next copy), and says where. */
  keepLogs(): string {
    const kept = join(RUN, 'ceph-logs');
    rmSync(kept, { recursive: true, force: true });
    cpSync(join(this.dir, 'log'), kept, { recursive: true });
    return kept;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  rbd(...args: readonly string[]): Promise<string> {
    return this.#witness('rbd', args);
  }

  ceph(...args: readonly string[]): Promise<string> {
    return this.#witness('ceph', args);
  }

  rados(...args: readonly string[]): Promise<string> {
    return this.#witness('rados', args);
  }

  async rbdJson(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.rbd(...args, '--format', 'json'));
  }

  async cephJson(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.ceph(...args, '--format', 'json'));
  }

  /** Makes `client.<name>` or changes its capabilities (`{ mon: 'profile rbd', … }`); gives its key. */
  async createUser(name: string, caps: Readonly<Record<string, string>>): Promise<string> {
    const wanted = Object.entries(caps).flat();
    await this.ceph('auth', 'get-or-create', `client.${name}`);
    await this.ceph('auth', 'caps', `client.${name}`, ...wanted);
    return (await this.ceph('auth', 'print-key', `client.${name}`)).trim();
  }

  /** A pool for RBD that is deleted when disposed. */
  async freshPool(name = `pool-${randomBytes(4).toString('hex')}`): Promise<TestPool> {
    await this.ceph('osd', 'pool', 'create', name);
    await this.rbd('pool', 'init', name);
    return new TestPool(this, name);
  }

  /** A RADOS namespace in the pool `rbd` (made when missing): ten times faster than a pool. */
  async freshNamespace(name = `ns-${randomBytes(4).toString('hex')}`): Promise<TestPool> {
    if (!(await this.ceph('osd', 'pool', 'ls')).split('\n').includes('rbd')) await this.freshPool('rbd');
    await this.rbd('namespace', 'create', '--pool', 'rbd', '--namespace', name);
    return new TestPool(this, 'rbd', name);
  }

  /** The process id of a daemon, `undefined` when it does not run. */
  pid(kind: Kind): number | undefined {
    return daemonPid(this.dir, fullName(kind));
  }

  /** SIGSTOP: the daemon keeps its connections and says nothing more. */
  pause(kind: Kind): void {
    if (!signalDaemon(this.dir, fullName(kind), 'SIGSTOP')) throw new Error(`${kind} does not run`);
  }

  /** SIGCONT, and back to a cluster that answers. */
  async resume(kind: Kind): Promise<void> {
    if (!signalDaemon(this.dir, fullName(kind), 'SIGCONT')) throw new Error(`${kind} does not run`);
    if (kind === 'rbd-mirror') return;
    // A placement group of size 1 stays "laggy" for minutes after its OSD was stopped; peering anew ends that.
    if (kind === 'osd') await this.ceph('osd', 'down', '0');
    await untilHealthy(this.#layout);
  }

  /**
   * SIGSTOP of all its daemons: a site that says nothing more, and whose connections stay. Goes on when disposed of. An OSD
   * that was stopped for more than 150 s ends itself then.
   */
  freeze(): AsyncDisposable {
    for (const name of [MIRROR, ...DAEMONS]) signalDaemon(this.dir, name, 'SIGSTOP');
    let thawed: Promise<void> | undefined;
    return {
      [Symbol.asyncDispose]: async () => {
        thawed ??= this.#thaw();
        await thawed;
      },
    };
  }

  async #thaw(): Promise<void> {
    for (const name of [...DAEMONS, MIRROR]) signalDaemon(this.dir, name, 'SIGCONT');
    await this.ceph('osd', 'down', '0');
    await untilHealthy(this.#layout);
  }

  async kill(kind: Kind): Promise<void> {
    await killDaemon(this.dir, fullName(kind));
  }

  /** Starts its mirror daemon, which serves the pools that have peers. */
  async startMirror(): Promise<void> {
    const caps = ['mon', 'profile rbd-mirror', 'osd', 'profile rbd'];
    await this.ceph('auth', 'get-or-create', `client.${MIRROR}`, ...caps, '-o', join(this.dir, `client.${MIRROR}.keyring`));
    startDaemon({ dir: this.dir, name: MIRROR, tied: this.#tied, network: this.#layout.network });
  }

  /** Kills the daemon when it runs, starts it, and waits until the cluster is healthy. */
  async restart(kind: Kind): Promise<void> {
    await this.kill(kind);
    if (kind === 'rbd-mirror') return await this.startMirror();
    // Else the monitor goes on showing the one that is gone.
    if (kind === 'mgr') await this.ceph('mgr', 'fail', 'x');
    startDaemon({ dir: this.dir, name: fullName(kind), tied: this.#tied, network: this.#layout.network });
    await untilHealthy(this.#layout);
  }

  /** Asks a daemon over its admin socket: `ask('osd', 'config set', { var: 'debug_osd', val: '20' })`. */
  ask(kind: Kind, prefix: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return askDaemon(`${this.#layout.sockets}/${fullName(kind)}.asok`, { prefix, ...args });
  }

  /** How many client operations the OSD has served (its counter `osd.op`): the difference is the cost of an act. */
  async osdOps(): Promise<number> {
    const counters = await this.ask('osd', 'perf dump');
    // The shape of `perf dump`, which is what this class is for.
    return (counters as { osd: { op: number } }).osd.op;
  }

  /** From now on the OSD remembers up to `size` operations of the last ten minutes. Gives the time for `historicOps`. */
  async recordOps(size = 5000): Promise<Date> {
    await this.ask('osd', 'config set', { var: 'osd_op_history_duration', val: ['600'] });
    await this.ask('osd', 'config set', { var: 'osd_op_history_size', val: [String(size)] });
    return new Date();
  }

  /** The operations that began after `since`, oldest first. */
  async historicOps(since: Date): Promise<readonly HistoricOp[]> {
    await sleep(300); // an operation enters the history up to 128 ms after its end
    const history = await this.ask('osd', 'dump_historic_ops');
    const { ops } = history as { ops: HistoricOp[] }; // the shape of `dump_historic_ops`
    const after = ops.filter((op) => new Date(op.initiated_at) >= since);
    return after.toSorted((a, b) => a.initiated_at.localeCompare(b.initiated_at));
  }

  #witness(program: string, args: readonly string[]): Promise<string> {
    const [file = '', ...rest] = inNetwork(this.#layout.network, [program, ...args]);
    return runProgram(file, rest, { env: { CEPH_CONF: this.conf, CEPH_ARGS: '' } });
  }
}

function fullName(kind: Kind): DaemonName | typeof MIRROR {
  if (kind === 'rbd-mirror') return MIRROR;
  const name = DAEMONS.find((daemon) => daemon.startsWith(`${kind}.`));
  if (name === undefined) throw new TypeError(`no daemon of kind ${kind}`);
  return name;
}
