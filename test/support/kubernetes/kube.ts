/**
 * A real Kubernetes for tests: control plane, two nodes, and a micro Ceph they all reach, in namespaces of its own.
 * One serves a whole run (`sharedKube()`); `await using kube = await Kube.up()` makes another. Work in
 * `await using namespace = await kube.freshNamespace()`. The witness is `kubectl`.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { RunOptions } from '../ceph/program.ts';
import { MicroCeph, RUN } from '../micro-ceph.ts';
import { programPath } from './binaries.ts';
import { bringUp } from './bring-up.ts';
import { explain } from './explain.ts';
import { Host } from './host.ts';
import { importImage } from './node.ts';
import { CONTROL, readRecord } from './record.ts';
import { sweepClusters, tearDown } from './tear-down.ts';
import { TestNamespace } from './test-namespace.ts';
import { type Patience, until } from './waiting.ts';

export { imageName } from './places.ts';

export interface UpOptions {
  /** Where it lives; by default a new folder under `.run/`. */
  readonly dir?: string;
  /** How many nodes: `node1`, `node2`, … By default two. */
  readonly nodes?: number;
  /** Whether a micro Ceph comes with it; by default yes. */
  readonly ceph?: boolean;
  /** It stays when this process ends: `make e2e-up`. */
  readonly stays?: boolean;
  /** Told what is done, as it is done. */
  readonly progress?: (done: string) => void;
}

/** What every object has; the rest is each kind's own. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** YAML or JSON text, an object, or several. */
export type Manifest = string | object | readonly object[];

export interface LookOptions extends Patience {
  /** Namespaces whose Events and logs are shown when time is up, beside those of `explainAlso`. */
  readonly namespaces?: readonly string[];
}

export class Kube implements AsyncDisposable {
  readonly dir: string;
  readonly control: Host;
  readonly nodes: readonly Host[];
  readonly #explained = new Set<string>();

  private constructor(dir: string) {
    const record = readRecord(dir);
    if (record === undefined) throw new Error(`no cluster in ${dir}`);
    this.dir = dir;
    this.control = Host.attach(join(dir, CONTROL));
    this.nodes = record.nodes.map((name) => Host.attach(join(dir, name)));
  }

  static async up(options: UpOptions = {}): Promise<Kube> {
    const { nodes = 2, ceph = true, stays = false, progress = () => {} } = options;
    const dir = resolve(options.dir ?? join(RUN, `kube-${randomBytes(4).toString('hex')}`));
    mkdirSync(RUN, { recursive: true });
    await sweepClusters(RUN);
    await tearDown(dir);
    try {
      await bringUp({ dir, nodes, ceph, stays, progress });
      return new Kube(dir);
    } catch (error) {
      await tearDown(dir);
      throw error;
    }
  }

  /** The cluster that another process brought up in `dir`, and that stays that one's to take down. */
  static attach(dir: string): Kube {
    return new Kube(resolve(dir));
  }

  /** Copies the daemons' logs to where they outlive the cluster (until the next copy), and says where. */
  keepLogs(): string {
    const kept = join(RUN, 'kube-logs');
    rmSync(kept, { recursive: true, force: true });
    for (const { name, dir } of [this.control, ...this.nodes]) cpSync(join(dir, 'logs'), join(kept, name), { recursive: true });
    return kept;
  }

  async down(): Promise<void> {
    await tearDown(this.dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  /** The Ceph that nodes and pods reach; its programs run in the control host's network. */
  get ceph(): MicroCeph {
    return MicroCeph.attach(join(this.dir, 'ceph'));
  }

  /** The administrator's, for programs in the control host's network. */
  get kubeconfig(): string {
    return join(this.dir, 'pki/admin.kubeconfig');
  }

  /** A node by its name: `kube.node('node1').daemon('kubelet').stop()`. */
  node(name: string): Host {
    const node = this.nodes.find((host) => host.name === name);
    if (node === undefined) throw new TypeError(`no node ${name}`);
    return node;
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.#kubectl(args);
  }

  helm(...args: readonly string[]): Promise<string> {
    const home = (kind: string): string => join(this.dir, 'helm', kind);
    const env = { HELM_CACHE_HOME: home('cache'), HELM_CONFIG_HOME: home('config'), HELM_DATA_HOME: home('data') };
    return this.fromControl(programPath('helm'), args, { env: { ...env, KUBECONFIG: this.kubeconfig }, timeout: 10 * 60_000 });
  }

  /** Runs a program with this machine's files and processes, and the control host's network. */
  fromControl(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
    const env = { NO_PROXY: '*', ...options.env };
    return this.control.runInNetwork(program, args, { ...options, env });
  }

  /** Runs a program on a node: its network, mounts and processes. */
  onNode(node: string, program: string, ...args: readonly string[]): Promise<string> {
    return this.node(node).run(program, args);
  }

  async apply(manifest: Manifest, ...flags: readonly string[]): Promise<void> {
    await this.#kubectl(['apply', ...flags, '--filename', '-'], { input: manifestText(manifest) });
  }

  /** Removes what a manifest names, and waits until it is gone. */
  async remove(manifest: Manifest, ...flags: readonly string[]): Promise<void> {
    await this.#kubectl(['delete', '--ignore-not-found', ...flags, '--filename', '-'], { input: manifestText(manifest) });
  }

  /** `get('pod', 'writer', 'ns')`; the caller knows what the kind looks like. */
  async get<T = KubeObject>(kind: string, name: string, namespace?: string): Promise<T> {
    const place = namespace === undefined ? [] : ['--namespace', namespace];
    return JSON.parse(await this.#kubectl(['get', kind, name, ...place, '--output', 'json'])) as T;
  }

  /** All of a kind, in one namespace or in all. */
  async list<T = KubeObject>(kind: string, namespace?: string): Promise<readonly T[]> {
    const place = namespace === undefined ? ['--all-namespaces'] : ['--namespace', namespace];
    const list = JSON.parse(await this.#kubectl(['get', kind, ...place, '--output', 'json']));
    return (list as { items: T[] }).items; // the shape of every list
  }

  /** As `until` of waiting.ts; when time is up the error shows Events, pods and logs of the parts involved. */
  async until<T>(look: () => T | Promise<T>, options: LookOptions): Promise<Exclude<T, false | undefined>> {
    try {
      return await until(look, options);
    } catch (error) {
      const namespaces = [...new Set([...(options.namespaces ?? []), ...this.#explained])];
      const cause = error instanceof Error ? error.message : String(error);
      throw new Error(`${cause}\n${await explain(this, namespaces)}`, { cause: error });
    }
  }

  /** From now on what happens in that namespace is shown with each failure: the driver's. */
  explainAlso(namespace: string): void {
    this.#explained.add(namespace);
  }

  /** Makes the images of an archive (OCI or docker) known to all nodes; gives their names. */
  async importImage(archive: string): Promise<readonly string[]> {
    const names = await Promise.all(this.nodes.map((node) => importImage(node, archive)));
    return names[0] ?? [];
  }

  /** A namespace that is deleted when disposed, with all it holds. */
  freshNamespace(labels: Readonly<Record<string, string>> = {}): Promise<TestNamespace> {
    return TestNamespace.create(this, labels);
  }

  #kubectl(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const flags = [`--kubeconfig=${this.kubeconfig}`, `--cache-dir=${join(this.dir, 'kubectl')}`];
    return this.fromControl(programPath('kubectl'), [...flags, ...args], options);
  }
}

function manifestText(manifest: Manifest): string {
  if (typeof manifest === 'string') return manifest;
  const items = Array.isArray(manifest) ? manifest : [manifest];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}
