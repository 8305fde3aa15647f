/**
 * etcd and an API server on loopback, and nothing else: for what talks to the Kubernetes API and needs no node. Up in a few
 * seconds; they end with the process that started them, however that one ends. The witness is `kubectl`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runProgram } from '../ceph/program.ts';
import { freePorts } from '../free-ports.ts';
import { livingPid, processIdentity, signalProcess } from '../process-identity.ts';
import { buildPrograms, type ProgramName, programPath } from './binaries.ts';
import { apiServerFlags, etcdFlags, type Flags, type Ports, toArguments } from './control-plane.ts';
import { makePki, writeKubeconfig } from './pki.ts';
import { until } from './waiting.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const RUN = join(ROOT, '.run');
const CRDS = join(ROOT, 'manifests/crds.yaml');

/** Not followed by clients outside, and no address of ours is one that its endpoints may have. */
const ON_LOOPBACK: Flags = { 'endpoint-reconciler-type': 'none' };

export class ApiServer implements AsyncDisposable {
  readonly dir: string;
  readonly #ports: Ports;
  #etcd = '';
  #server = '';

  private constructor(dir: string, ports: Ports) {
    this.dir = dir;
    this.#ports = ports;
  }

  static async start(): Promise<ApiServer> {
    await buildPrograms(undefined, ['etcd', 'kube-apiserver', 'kubectl']);
    mkdirSync(RUN, { recursive: true });
    sweepOrphans();
    const dir = join(RUN, `api-${process.pid}-${Date.now()}`);
    mkdirSync(dir);
    writeFileSync(join(dir, 'owner'), processIdentity(process.pid) ?? '');
    const [api = 0, etcd = 0, etcdPeer = 0] = await freePorts(3);
    const server = new ApiServer(dir, { address: '127.0.0.1', api, etcd, etcdPeer });
    try {
      await makePki(join(dir, 'pki'), []);
      server.kubeconfig();
      server.#etcd = await server.#spawn('etcd', etcdFlags(join(dir, 'etcd'), server.#ports));
      await server.up();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get port(): number {
    return this.#ports.api;
  }

  /** The administrator's; by another port for what goes through a proxy. */
  kubeconfig(port = this.#ports.api): string {
    const file = join(this.dir, `admin-${port}.kubeconfig`);
    if (!existsSync(file)) writeKubeconfig(join(this.dir, 'pki'), 'admin', `https://127.0.0.1:${port}`, file);
    return file;
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.#kubectl(args);
  }

  async apply(manifest: string | object): Promise<string> {
    const input = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
    return await this.#kubectl(['apply', '--filename', '-'], input);
  }

  /** Our own kinds, as the manifests install them. */
  async installCrds(): Promise<void> {
    await this.#kubectl(['apply', '--filename', CRDS]);
    await this.#kubectl(['wait', '--for=condition=Established', '--timeout=60s', '--filename', CRDS]);
  }

  /** Starts the API server and waits until it is ready; nothing to do when it runs. */
  async up(): Promise<void> {
    if (livingPid(this.#server) !== undefined) return;
    const flags = { ...apiServerFlags(join(this.dir, 'pki'), this.#ports), ...ON_LOOPBACK };
    this.#server = await this.#spawn('kube-apiserver', flags);
    const ready = (): Promise<string> => this.kubectl('get', '--raw', '/readyz');
    await until(async () => livingPid(this.#server) === undefined || (await ready()), {
      what: 'the API server is ready',
      timeout: 60_000,
    });
    if (livingPid(this.#server) === undefined) throw new Error(`the API server has ended; see ${this.dir}/kube-apiserver.log`);
  }

  /** SIGKILL, as a crash would; its connections end at once. */
  async kill(): Promise<void> {
    await this.#end(this.#server);
  }

  /** Makes etcd forget all versions but the newest. */
  async compact(): Promise<void> {
    const ask = async (path: string, body: object): Promise<{ header?: { revision?: string } }> => {
      const answer = await fetch(`http://127.0.0.1:${this.#ports.etcd}${path}`, { method: 'POST', body: JSON.stringify(body) });
      return (await answer.json()) as { header?: { revision?: string } }; // etcd's own gateway
    };
    const { header } = await ask('/v3/kv/range', { key: Buffer.from('/registry/none').toString('base64') });
    await ask('/v3/kv/compaction', { revision: header?.revision, physical: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end(this.#server);
    await this.#end(this.#etcd);
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #end(identity: string): Promise<void> {
    signalProcess(identity, 'SIGKILL');
    await until(() => livingPid(identity) === undefined, { what: `${identity} has ended`, interval: 20 });
  }

  #kubectl(args: readonly string[], input?: string): Promise<string> {
    const flags = [`--kubeconfig=${this.kubeconfig()}`, `--cache-dir=${join(this.dir, 'kubectl')}`];
    const options = { env: { NO_PROXY: '*' }, timeout: 60_000, ...(input === undefined ? {} : { input }) };
    return runProgram(programPath('kubectl'), [...flags, ...args], options);
  }

  async #spawn(name: ProgramName, flags: Flags): Promise<string> {
    const log = openSync(join(this.dir, `${name}.log`), 'a');
    const command = ['--pdeathsig', 'KILL', '--', programPath(name), ...toArguments(flags)];
    const env = { PATH: process.env['PATH'] ?? '', HOME: '/root' };
    const child = spawn('setpriv', command, { detached: true, cwd: '/', env, stdio: ['ignore', log, log] });
    closeSync(log);
    await once(child, 'spawn');
    child.unref();
    return processIdentity(child.pid ?? 0) ?? '';
  }
}

/** The folders of those whose process was killed. */
function sweepOrphans(): void {
  for (const name of readdirSync(RUN).filter((entry) => entry.startsWith('api-'))) {
    const owner = join(RUN, name, 'owner');
    if (existsSync(owner) && livingPid(readFileSync(owner, 'utf8')) !== undefined) continue;
    rmSync(join(RUN, name), { recursive: true, force: true });
  }
}
