/** A node role of its own for one test: a state directory, a CephX user, paths to stage and publish at; nothing stays behind. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterConnection } from '#lib/cluster-config';
import type { VolumeHandle } from '#lib/handle';
import type { Scope } from '#lib/scope';
import { type NodeHost, type PublishSpec, type StageSpec, UserspaceMapper } from '#node';
import { type MicroCeph, RUN, type TestPool } from '../support/micro-ceph.ts';

export class NodeBed implements AsyncDisposable {
  readonly dir: string;
  readonly host: NodeHost;
  readonly pool: TestPool;
  readonly connection: ClusterConnection;

  private constructor(dir: string, pool: TestPool, connection: ClusterConnection) {
    this.dir = dir;
    this.pool = pool;
    this.connection = connection;
    this.host = hostAt(join(dir, 's'));
  }

  static async open(ceph: MicroCeph): Promise<NodeBed> {
    const id = randomBytes(3).toString('hex');
    const dir = join(RUN, `n-${id}`);
    mkdirSync(dir, { recursive: true });
    const pool = await ceph.freshNamespace();
    const osd = `profile rbd pool=${pool.name} namespace=${pool.namespace}`;
    const user = `node-${id}`;
    const key = await ceph.createUser(user, { mon: 'profile rbd', osd });
    tidyAtExit(dir);
    return new NodeBed(dir, pool, { cluster: 'prod', site: 'east', monitors: ceph.monitors, user, key });
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  volume(image: string): VolumeHandle {
    return { cluster: 'prod', ...this.pool.place, image };
  }

  /** A new image of that many MiB, and how it is staged as a mount volume unless told otherwise. */
  async image(image: string, mib = 512): Promise<StageSpec> {
    await this.pool.rbd('create', image, '--size', `${mib}M`);
    return this.stageSpec(image);
  }

  stageSpec(image: string, other: Partial<StageSpec> = {}): StageSpec {
    return {
      volume: this.volume(image),
      snapshot: '',
      stagingPath: this.path(`stage-${image}`),
      access: 'mount',
      readonly: false,
      fsType: '',
      mountFlags: [],
      mkfsOptions: '',
      mapOptions: '',
      mapper: '',
      connection: this.connection,
      ...other,
    };
  }

  publishSpec(staged: StageSpec, target: string, other: Partial<PublishSpec['target']> = {}): PublishSpec {
    const { volume, stagingPath, access } = staged;
    const wanted = { path: this.path(target), readonly: false, access, mode: 'SINGLE_NODE_MULTI_WRITER', mountFlags: [], ...other };
    return { volume, stagingPath, target: wanted, single: false };
  }

  /** What is still on this machine of what the test's node role made. */
  leftovers(): readonly string[] {
    return leftovers(this.dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    tidy(this.dir);
    open.delete(this.dir);
    await this.pool[Symbol.asyncDispose]();
    await this.pool.ceph.ceph('auth', 'rm', `client.${this.connection.user}`);
  }
}

export function hostAt(stateDir: string): NodeHost {
  return { stateDir, mappers: [new UserspaceMapper()] };
}

export function aScope(seconds = 120): Scope {
  const quiet = () => {};
  return { deadline: Date.now() + seconds * 1000, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } };
}

function leftovers(dir: string): readonly string[] {
  return [
    ...mountsBelow(dir).map((path) => `mount ${path}`),
    ...loopsBelow(dir).map((path) => `loop device ${path}`),
    ...processesOf(dir).map((pid) => `process ${pid}`),
    ...['s/volumes', 'd/state/volumes'].flatMap((state) => filesBelow(join(dir, state))).map((path) => `state ${path}`),
  ];
}

function mountsBelow(dir: string): readonly string[] {
  const paths = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  return paths.filter((path) => path.startsWith(`${dir}/`)).toReversed();
}

function loopsBelow(dir: string): readonly string[] {
  return readdirSync('/sys/block')
    .filter((name) => name.startsWith('loop') && readOr(`/sys/block/${name}/loop/backing_file`).startsWith(`${dir}/`))
    .map((name) => `/dev/${name}`);
}

function processesOf(dir: string): readonly number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    const [program, ...args] = readOr(`/proc/${pid}/cmdline`).split('\0');
    return program?.endsWith('qemu-storage-daemon') && args.some((argument) => argument.includes(`${dir}/`));
  });
}

function filesBelow(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
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

/**
 * By force, whatever state the test left. Processes first: with Ceph away only a dead one lets its mount go. Files last,
 * and only when nothing is mounted any more: removing them must not reach into a volume.
 */
function tidy(dir: string): void {
  const loops = loopsBelow(dir); // Once the daemon's file is unmounted, nothing tells whose they were.
  for (const pid of processesOf(dir)) process.kill(pid, 'SIGKILL');
  unmountBelow(dir);
  for (const path of loops) spawnSync('losetup', ['--detach', path], { timeout: 10_000 });
  unmountBelow(dir);
  if (mountsBelow(dir).length === 0) rmSync(dir, { recursive: true, force: true });
}

function unmountBelow(dir: string): void {
  for (const path of mountsBelow(dir)) spawnSync('umount', ['--lazy', '--no-canonicalize', path], { timeout: 10_000 });
}

const open = new Set<string>();
let guarded = false;

function tidyAtExit(dir: string): void {
  if (!guarded) {
    guarded = true;
    process.once('exit', () => open.forEach(tidy));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  }
  open.add(dir);
}
