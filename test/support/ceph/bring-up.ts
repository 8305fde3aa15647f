/** How a micro cluster comes to life: files, stores, then monitor, manager and OSD. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { livingPid, processIdentity } from '../process-identity.ts';
import { askDaemon } from './admin-socket.ts';
import { cephConf, inNetwork, type Layout, makeKeyrings, type Network, type Settings } from './conf.ts';
import { killDaemon, MIRROR, startDaemon } from './daemon.ts';
import { runProgram } from './program.ts';

export const DAEMONS = ['mon.a', 'mgr.x', 'osd.0'] as const;
export type DaemonName = (typeof DAEMONS)[number];

/** A monitor's own; nobody else listens in a network namespace that is made for a cluster. */
const USUAL_PORTS = [3300, 6789] as const;

export interface BringUp {
  readonly dir: string;
  readonly settings: Settings;
  readonly network: Network;
  /** Identity of the process that it lives as long as; by default this one, and then the daemons die with it by themselves. */
  readonly keeper?: string | undefined;
}

/** Makes a new cluster in `dir` and waits until it is healthy. Whatever was there before is stopped and removed. */
export async function bringUp({ dir, settings, network, keeper }: BringUp): Promise<Layout> {
  await tearDown(dir);
  rmSync(`${dir}/log`, { recursive: true, force: true });
  for (const sub of ['mon', 'mgr', 'osd', 'log', 'crash']) mkdirSync(`${dir}/${sub}`, { recursive: true });

  const sockets = mkdtempSync(`${tmpdir()}/ceph-`);
  const { address } = network;
  const [v2, v1] = network.namespace === undefined ? await freePorts() : USUAL_PORTS;
  const layout = { dir, sockets, fsid: randomUUID(), network, monitors: `[v2:${address}:${v2}/0,v1:${address}:${v1}/0]` };
  const tied = keeper === undefined;
  writeFileSync(`${dir}/cluster.json`, JSON.stringify({ ...layout, owner: keeper ?? myself() }, undefined, 2));
  writeFileSync(`${dir}/ceph.conf`, cephConf(layout, settings));
  for (const [entity, text] of makeKeyrings()) writeFileSync(`${dir}/${entity}.keyring`, text, { mode: 0o600 });

  const osdId = randomUUID();
  const conf = ['-c', `${dir}/ceph.conf`];
  const monmap = ['--monmap', `${dir}/monmap`];
  await runProgram('monmaptool', ['--create', '--fsid', layout.fsid, '--addv', 'a', layout.monitors, `${dir}/monmap`]);
  const osdStore = runProgram('ceph-osd', [...conf, '-i', '0', '--mkfs', '--osd-uuid', osdId, '--no-mon-config', ...monmap]);
  osdStore.catch(() => {}); // awaited below; an earlier failure must not leave it unhandled
  await runProgram('ceph-mon', [...conf, '-i', 'a', '--mkfs', ...monmap, '--keyring', `${dir}/all.keyring`]);

  startDaemon({ dir, name: 'mon.a', tied, network });
  await until(layout, 'mon.a', { prefix: 'mon_status' }, ({ state }) => state === 'leader');
  startDaemon({ dir, name: 'mgr.x', tied, network });
  await ask(layout, 'osd', 'new', osdId, '0');
  await osdStore;
  startDaemon({ dir, name: 'osd.0', tied, network });
  await untilHealthy(layout);
  return layout;
}

/** Stops the daemons of the cluster in `dir` and removes its data; the logs stay. Nothing to do when there is none. */
export async function tearDown(dir: string): Promise<void> {
  const layout = readLayout(dir);
  for (const name of [MIRROR, ...DAEMONS]) await killDaemon(dir, name);
  if (layout !== undefined) rmSync(layout.sockets, { recursive: true, force: true });
  for (const sub of ['mon', 'mgr', 'osd', 'crash']) rmSync(`${dir}/${sub}`, { recursive: true, force: true });
  const keyrings = readdirSync(dir).filter((file) => file.endsWith('.keyring'));
  for (const file of ['cluster.json', 'ceph.conf', 'monmap', ...keyrings]) rmSync(`${dir}/${file}`, { force: true });
}

/** Removes what clusters under `run` left whose starter was killed before it could. Others' clusters are not touched. */
export async function sweep(run: string): Promise<void> {
  for (const entry of readdirSync(run, { withFileTypes: true })) {
    const dir = `${run}/${entry.name}`;
    const owner = readLayout(dir)?.owner ?? '';
    if (owner === '' || livingPid(owner) !== undefined) continue;
    await tearDown(dir);
    rmSync(dir, { recursive: true, force: true });
  }
}

function myself(): string {
  return processIdentity(process.pid) ?? '';
}

export function readLayout(dir: string): (Layout & { readonly owner: string }) | undefined {
  try {
    // Written by bringUp alone.
    return JSON.parse(readFileSync(`${dir}/cluster.json`, 'utf8')) as Layout & { owner: string };
  } catch {
    return undefined;
  }
}

/** The OSD takes part in the map the monitor serves, a manager reports, and Ceph complains about nothing. */
export async function untilHealthy(layout: Layout): Promise<void> {
  await until(layout, 'osd.0', { prefix: 'status' }, ({ state }) => state === 'active');
  await until(layout, 'mgr.x', { prefix: 'mgr_status' }, () => true);
  const end = Date.now() + 60_000;
  let seen = '';
  while (Date.now() < end) {
    seen = await ask(layout, 'status', '--format', 'json');
    // The two fields of `ceph status` that matter here.
    const { health, mgrmap } = JSON.parse(seen) as { health: { checks: object }; mgrmap: { available: boolean } };
    // Debian 13's manager cannot load most of its Python modules (PyO3): nothing here needs them.
    const complaints = Object.keys(health.checks).filter((check) => !check.startsWith('MGR_MODULE'));
    if (complaints.length === 0 && mgrmap.available) return;
    await sleep(200);
  }
  throw new Error(`the cluster in ${layout.dir} is not healthy after a minute: ${seen}`);
}

function ask({ dir, network }: Layout, ...args: readonly string[]): Promise<string> {
  const [file = '', ...rest] = inNetwork(network, ['ceph', '-c', `${dir}/ceph.conf`, ...args]);
  return runProgram(file, rest);
}

async function until(
  layout: Layout,
  name: DaemonName,
  command: Readonly<Record<string, unknown>>,
  good: (answer: Record<string, unknown>) => boolean,
): Promise<void> {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    const answer = await askDaemon(`${layout.sockets}/${name}.asok`, command).catch(() => undefined);
    if (typeof answer === 'object' && answer !== null && good({ ...answer })) return;
    await sleep(100);
  }
  throw new Error(`${name} did not come up within a minute; look into ${layout.dir}/log/${name}.log and .out`);
}

/** Two ports nobody listens on now; taken again at once by the monitor, whose address must be known before it starts. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.on('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [first = 0, second = 0] = ports;
  return [first, second];
}
