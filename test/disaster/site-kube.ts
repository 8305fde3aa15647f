/**
 * Two sites, each with a Ceph and a Kubernetes of its own: an API server with the controllers that bind volumes and snapshots, the real
 * sidecars, our controller behind them, and our operator. No node: what is mounted is not the question.
 */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ChildProgram } from '../support/child-program.ts';
import { adminKey } from '../support/engine-bed.ts';
import { ApiServer } from '../support/kubernetes/api-server.ts';
import { buildPrograms, type ProgramName, programPath } from '../support/kubernetes/binaries.ts';
import { startBinders } from '../support/kubernetes/binders.ts';
import { until } from '../support/kubernetes/waiting.ts';
import { EAST, MirrorBed, WEST } from '../support/mirror/mirror-bed.ts';
import { OperatorProcess } from './operator-process.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAM = join(ROOT, 'src/bin/loligo.ts');
const SIDECARS = ['csi-provisioner', 'csi-snapshotter'] as const satisfies readonly ProgramName[];

export class SiteKube implements AsyncDisposable {
  readonly site: string;
  readonly api: ApiServer;
  readonly dir: string;
  readonly #programs: AsyncDisposable[] = [];

  constructor(site: string, api: ApiServer) {
    this.site = site;
    this.api = api;
    // Where it is swept with the rest when this process is killed.
    this.dir = join(api.dir, 'site');
    mkdirSync(this.dir);
  }

  async start(clusters: object): Promise<void> {
    writeFileSync(join(this.dir, 'clusters.json'), JSON.stringify(clusters));
    await this.api.installCrds();
    for (const crd of globSync('charts/loligo/crds/snapshot.storage.k8s.io_*.yaml', { cwd: ROOT })) {
      await this.api.kubectl('apply', '--filename', join(ROOT, crd));
    }
    const kubeconfig = `--kubeconfig=${this.api.kubeconfig()}`;
    this.#programs.push(await startBinders(this.api));
    this.#start('snapshot-controller', [programPath('snapshot-controller'), kubeconfig]);
    const options = ['--clusters', join(this.dir, 'clusters.json'), '--health', ''];
    const endpoint = ['--endpoint', `unix://${join(this.dir, 'csi.sock')}`];
    this.#start('driver', [process.execPath, PROGRAM, 'controller', ...options, ...endpoint]);
    await until(() => existsSync(join(this.dir, 'csi.sock')), { what: 'the driver listens', timeout: 30_000 });
    for (const name of SIDECARS) {
      const address = `--csi-address=${join(this.dir, 'csi.sock')}`;
      // As in the chart: where nodes have no topology the provisioner must not wait for it.
      const own = name === 'csi-provisioner' ? ['--feature-gates=Topology=false'] : [];
      this.#start(name, [programPath(name), kubeconfig, address, '--extra-create-metadata=true', '--timeout=60s', ...own]);
    }
    this.#programs.push(OperatorProcess.start(this.dir, this.api.kubeconfig()));
  }

  /** What an object says at a JSON path; '' where there is no such object. */
  async read(kind: string, name: string, path: string, namespace = ''): Promise<string> {
    const place = namespace === '' ? [] : ['--namespace', namespace];
    return await this.api.kubectl('get', kind, name, ...place, '--ignore-not-found', '--output', `jsonpath={${path}}`);
  }

  /** Waits until something holds; the error has what the site's programs said last. */
  async until(what: string, right: () => Promise<boolean>, seconds = 120): Promise<void> {
    try {
      await until(right, { what: `${what} at ${this.site}`, timeout: seconds * 1000, interval: 500 });
    } catch (error) {
      const said = ['operator', 'driver', ...SIDECARS, 'snapshot-controller'].map((name) => this.#tail(name));
      const policies = await this.api.kubectl('get', 'mp,mv,pv,events', '--all-namespaces', '--output', 'wide').catch(String);
      const status = await this.api.kubectl('get', 'mp', '--output', 'jsonpath={.items[*].status}').catch(String);
      throw new Error([policies, status, ...said].join('\n'), { cause: error });
    }
  }

  #tail(name: string): string {
    const log = join(this.dir, `${name}.log`);
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').slice(-8) : [];
    return [`--- ${name}`, ...lines].join('\n');
  }

  #start(name: string, command: readonly string[]): void {
    this.#programs.push(ChildProgram.start(command, join(this.dir, `${name}.log`)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs.toReversed()) await program[Symbol.asyncDispose]();
    await this.api[Symbol.asyncDispose]();
  }
}

export class TwoKubes implements AsyncDisposable {
  readonly mirror: MirrorBed;
  readonly east: SiteKube;
  readonly west: SiteKube;

  private constructor(mirror: MirrorBed, east: SiteKube, west: SiteKube) {
    this.mirror = mirror;
    this.east = east;
    this.west = west;
  }

  static async start(): Promise<TwoKubes> {
    await buildPrograms(undefined, ['snapshot-controller', ...SIDECARS]);
    await using started = new AsyncDisposableStack();
    const mirror = started.use(await MirrorBed.start());
    const east = started.use(new SiteKube(EAST, await ApiServer.start()));
    const west = started.use(new SiteKube(WEST, await ApiServer.start()));
    const keys = { [EAST]: await adminKey(mirror.east), [WEST]: await adminKey(mirror.west) };
    const entry = (site: string): object => {
      const ceph = site === EAST ? mirror.east : mirror.west;
      return { monitors: ceph.monitors, user: 'admin', keyFile: `${site}.key` };
    };
    for (const [kube, other] of [[east, WEST] as const, [west, EAST] as const]) {
      for (const [site, key] of Object.entries(keys)) writeFileSync(join(kube.dir, `${site}.key`), key, { mode: 0o600 });
      await kube.start({ prod: { site: kube.site, ...entry(kube.site), peers: { [other]: entry(other) } } });
    }
    started.move();
    return new TwoKubes(mirror, east, west);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.east[Symbol.asyncDispose]();
    await this.west[Symbol.asyncDispose]();
    await this.mirror[Symbol.asyncDispose]();
  }
}
