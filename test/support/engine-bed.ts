/** The engine's operations in the test's own process, on the micro cluster: `await using bed = await engineBed(pool)`. */
import { type CallObserver, type Cluster, connect, Native } from '#ceph';
import type { ClusterConnection } from '#lib/cluster-config';
import { type Engine, type Identity, runOperation, Site } from '#rbd';
import type { MicroCeph, TestPool } from './micro-ceph.ts';

/** An operation asked of this site, without the agent between. */
export type BedEngine = { readonly [K in keyof Engine]: (args: Parameters<Engine[K]>[0]) => ReturnType<Engine[K]> };

export interface Bed extends AsyncDisposable {
  readonly site: Site;
  readonly engine: BedEngine;
}

/** Tests that run at the same time in one pool do not see each other's volumes in listings. */
export function identityIn(pool: Pick<TestPool, 'spec'>): Identity {
  return { cluster: 'prod', site: 'east', instance: `test of ${pool.spec}`, creatorLife: 0 };
}

/** C calls run on libuv's threads: four of them would make the concurrency that tests are about. Read at the first call. */
process.env['UV_THREADPOOL_SIZE'] = '32';

let native: Native | undefined;

/** The loaded libraries of this process; they can be loaded once. */
export function theNative(observer: CallObserver = { begun: () => undefined, ended: () => undefined }): Native {
  native ??= new Native(observer);
  return native;
}

/** A connection of its own, as `client.admin` unless another user is given. */
export async function engineBed(
  pool: TestPool,
  identity: Partial<Identity> = {},
  user?: Pick<ClusterConnection, 'user' | 'key'>,
): Promise<Bed> {
  const { user: name, key } = user ?? { user: 'admin', key: await adminKey(pool.ceph) };
  const settings = { monitors: pool.ceph.monitors, user: name, key, options: { rados_osd_op_timeout: '30' } };
  const cluster: Cluster = await connect(theNative(), settings);
  const site = new Site(cluster, { ...identityIn(pool), ...identity });
  return { site, engine: engineOf(site), [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
}

export async function adminKey(ceph: MicroCeph): Promise<string> {
  return (await ceph.ceph('auth', 'print-key', 'client.admin')).trim();
}

export function engineOf(site: Site): BedEngine {
  const ask = (_: unknown, name: string) => async (args: unknown) => await runOperation(site, name, args as never, aScope());
  // A proxy answers any name: runOperation refuses what is no operation.
  return new Proxy({}, { get: (target, name) => (typeof name === 'string' ? ask(target, name) : undefined) }) as BedEngine;
}

export function aScope(seconds = 60): Parameters<typeof runOperation>[3] {
  const silent = (): void => undefined;
  return {
    deadline: Date.now() + seconds * 1000,
    progress: silent,
    log: { debug: silent, info: silent, warn: silent, error: silent },
  };
}
