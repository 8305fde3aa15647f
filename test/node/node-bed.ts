/** A node role of its own for one test: a state directory, a CephX user, paths to stage and publish at; nothing stays behind. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterConnection } from '#lib/cluster-config';
import type { VolumeHandle } from '#lib/handle';
import { LocalKeeper, type NodeHost, type PublishSpec, remoteKeepers, type StageSpec, UserspaceMapper } from '#node';
import { hostRemains, removeHostRemains } from '../support/host-remains.ts';
import { type MicroCeph, RUN, type TestPool } from '../support/micro-ceph.ts';

export { aScope } from './scope.ts';

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
      stagingPath: this.path(`stage-${image}`),
      access: 'mount',
      readonly: false,
      exclusive: true,
      fsType: '',
      mountFlags: [],
      mkfsOptions: '',
      mapOptions: '',
      mapper: '',
      encryption: undefined,
      connection: this.connection,
      ...other,
    };
  }

  publishSpec(staged: StageSpec, target: string, other: Partial<PublishSpec['target']> = {}): PublishSpec {
    const { volume, stagingPath, access } = staged;
    const wanted = { path: this.path(target), readonly: false, access, mode: 'SINGLE_NODE_MULTI_WRITER', mountFlags: [], ...other };
    return { volume, stagingPath, target: wanted, single: false, stageSpec: () => staged };
  }

  /** What is still on this machine of what the test's node role made. */
  leftovers(): readonly string[] {
    return leftovers(this.dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    removeHostRemains(this.dir);
    open.delete(this.dir);
    await this.pool[Symbol.asyncDispose]();
    await this.pool.ceph.ceph('auth', 'rm', `client.${this.connection.user}`);
  }
}

/** The name of the node that tests play. */
export const NODE = 'test-node';

/** With a mapper role's socket that role keeps the daemons, else the process that asks. */
export function hostAt(stateDir: string, mapperSocket = ''): NodeHost {
  const keeper = mapperSocket === '' ? new LocalKeeper() : remoteKeepers(mapperSocket).daemon;
  return { stateDir, mappers: [new UserspaceMapper(keeper, NODE)] };
}

/** A node's state directory, and that of a driver which a test starts beside it. */
function leftovers(dir: string): readonly string[] {
  const state = ['s/volumes', 'd/state/volumes'].flatMap((folder) => filesBelow(join(dir, folder)));
  return [...hostRemains(dir, 'qemu-storage-daemon'), ...state.map((path) => `state ${path}`)];
}

function filesBelow(dir: string): readonly string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}

const open = new Set<string>();
let guarded = false;

function tidyAtExit(dir: string): void {
  if (!guarded) {
    guarded = true;
    process.once('exit', () => open.forEach(removeHostRemains));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  }
  open.add(dir);
}
