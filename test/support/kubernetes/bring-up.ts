/** How a cluster comes to life: hosts and their network, certificates, control plane and Ceph, then the nodes. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { MicroCeph } from '../micro-ceph.ts';
import { processIdentity } from '../process-identity.ts';
import { buildPrograms, programPath, silently } from './binaries.ts';
import { makeCgroup } from './cgroups.ts';
import { startApiServer, startControllers } from './control-plane.ts';
import { Host } from './host.ts';
import { buildImages } from './images.ts';
import { connectHosts } from './network.ts';
import { importImage, prepareNode, startContainerd, startNode } from './node.ts';
import { makePki } from './pki.ts';
import { NETWORK, nodeNetwork } from './places.ts';
import { CONTROL, type KubeRecord, writeRecord } from './record.ts';
import { until } from './waiting.ts';
import { startWarden } from './warden.ts';

export interface BringUp {
  readonly dir: string;
  readonly nodes: number;
  readonly ceph: boolean;
  /** It stays when this process ends; else it ends with it, however that one ends. */
  readonly stays: boolean;
  /** Told what is done, as it is done. */
  readonly progress: (done: string) => void;
}

interface Hosts {
  readonly control: Host;
  readonly nodes: readonly Host[];
}

export async function bringUp(options: BringUp): Promise<void> {
  const { dir, progress } = options;
  await buildPrograms();
  const archives = await buildImages(silently);
  const record: KubeRecord = {
    nodes: Array.from({ length: options.nodes }, (_, index) => `node${index + 1}`),
    cgroup: `loligo-${randomBytes(4).toString('hex')}`,
    owner: processIdentity(process.pid) ?? '',
  };
  writeRecord(dir, record);
  startWarden(dir, record.owner);
  const hosts = await startHosts(dir, record);
  progress(`hosts: ${CONTROL}, ${record.nodes.join(', ')}`);
  const pki = join(dir, 'pki');
  await makePki(pki, hosts.nodes);
  progress('certificates');
  const runtimes = hosts.nodes.map((node, index) => startRuntime(node, index, archives));
  await allOf([bringUpControl(hosts.control, pki, progress), bringUpCeph(options, hosts.control), ...runtimes]);
  for (const node of hosts.nodes) await startNode(node, { pki, cgroup: makeCgroup(`${record.cgroup}/${node.name}`) });
  await allOf(hosts.nodes.map((node) => untilReady(hosts.control, node, options)));
  if (options.stays) writeRecord(dir, { ...record, owner: hosts.control.init });
}

/** Waits for all, also when one fails: what is still being started could not be taken down. */
async function allOf(works: readonly Promise<unknown>[]): Promise<void> {
  const failures = (await Promise.allSettled(works)).filter((result) => result.status === 'rejected');
  if (failures[0] !== undefined) throw failures[0].reason;
}

async function startHosts(dir: string, { nodes }: KubeRecord): Promise<Hosts> {
  const start = (name: string, address: string): Promise<Host> => Host.start({ name, address, dir: join(dir, name) });
  const control = await start(CONTROL, NETWORK.control);
  const hosts = await Promise.all(nodes.map((name, index) => start(name, nodeNetwork(index).address)));
  await connectHosts(control, hosts);
  await Promise.all(hosts.map(prepareNode));
  return { control, nodes: hosts };
}

async function startRuntime(node: Host, index: number, archives: readonly string[]): Promise<void> {
  await startContainerd(node, nodeNetwork(index).pods);
  for (const archive of archives) await importImage(node, archive);
}

async function bringUpControl(control: Host, pki: string, progress: BringUp['progress']): Promise<void> {
  await startApiServer(control, pki);
  await untilOn(control, 'kube-apiserver', () => askApi(control, 'get', '--raw', '/readyz'));
  progress('API server');
  await startControllers(control, pki);
  await untilOn(control, 'kube-controller-manager', () => askApi(control, 'get', 'serviceaccount', 'default'));
  progress('controllers');
}

async function bringUpCeph({ dir, ceph, progress }: BringUp, control: Host): Promise<void> {
  if (!ceph) return;
  const network = { address: NETWORK.control, namespace: control.network };
  await MicroCeph.start({ dir: join(dir, 'ceph'), network, keeper: control.init });
  progress('micro Ceph: mon, mgr, osd');
}

async function untilReady(control: Host, node: Host, { progress }: BringUp): Promise<void> {
  const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';
  await untilOn(node, 'kubelet', async () => (await askApi(control, 'get', 'node', node.name, '--output', path)) === 'True');
  progress(`${node.name}: Ready`);
}

/** Waits for what a daemon is to bring about; when that fails, or the daemon ends, its last words are told. */
async function untilOn(host: Host, daemon: string, look: () => Promise<unknown>): Promise<void> {
  const running = (): boolean => host.daemon(daemon).pid !== undefined;
  try {
    await until(async () => !running() || (await look()), { what: `${daemon} of ${host.name} does its work`, timeout: 120_000 });
    if (!running()) throw new Error(`${daemon} of ${host.name} has ended`);
  } catch (error) {
    const last = host.daemon(daemon).logTail(15);
    throw new Error(`${daemon} of ${host.name} does not do its work; it said:\n${last}`, { cause: error });
  }
}

function askApi(control: Host, ...args: readonly string[]): Promise<string> {
  const kubeconfig = join(control.dir, '../pki/admin.kubeconfig');
  const flags = [`--kubeconfig=${kubeconfig}`, `--cache-dir=${join(control.dir, 'kubectl')}`];
  return control.runInNetwork(programPath('kubectl'), [...flags, ...args], { env: { NO_PROXY: '*' }, timeout: 20_000 });
}
