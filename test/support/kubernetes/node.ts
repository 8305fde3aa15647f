/** A node: what is mounted where on its host, and containerd, kubelet and kube-proxy on it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from './binaries.ts';
import type { Host } from './host.ts';
import { containerdToml, kubeletConfig, networkPlugin, proxyConfig } from './node-config.ts';
import { until } from './waiting.ts';

const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';

/** Settings that kubelet insists on and would change for the whole machine: it finds them as wanted, in files of the node. */
const KERNEL_SETTINGS: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

/** Gives the node files of its own where Kubernetes, containerd and drivers write; the rest is the machine's. */
export async function prepareNode(node: Host): Promise<void> {
  const mount = (...args: readonly string[]): Promise<string> => node.run('mount', args);
  const folder = (name: string): string => {
    mkdirSync(join(node.dir, name), { recursive: true });
    return join(node.dir, name);
  };
  await mount('--make-rshared', '/'); // mounts that a pod makes reach the node and other pods only through shared mounts
  await mount('-t', 'tmpfs', '-o', 'mode=755', 'run', '/run');
  await mount('-t', 'tmpfs', '-o', 'mode=755', 'log', '/var/log');
  // What a driver writes to a hostPath below /var/lib stays in this node, and goes with it.
  const layers = `lowerdir=/var/lib,upperdir=${folder('var-lib')},workdir=${folder('var-lib-work')}`;
  await mount('-t', 'overlay', '-o', layers, 'var-lib', '/var/lib');
  await node.run('mkdir', ['-p', '/run/lock', '/var/log/containers', '/var/lib/kubelet', '/var/lib/containerd']);
  // Neither can live on an overlay: containerd makes overlays of its own, and kubelet looks at the disk.
  await mount('--bind', folder('containerd'), '/var/lib/containerd');
  await mount('--bind', folder('kubelet'), '/var/lib/kubelet');
  for (const [setting, value] of Object.entries(KERNEL_SETTINGS)) {
    const file = join(folder('sysctl'), setting.replaceAll('/', '.'));
    writeFileSync(file, value);
    await mount('--bind', file, `/proc/sys/${setting}`);
  }
}

export async function startContainerd(node: Host, pods: string): Promise<void> {
  mkdirSync(join(node.dir, 'cni'), { recursive: true });
  writeFileSync(join(node.dir, 'cni/10-pods.conflist'), JSON.stringify(networkPlugin(pods), undefined, 2));
  writeFileSync(join(node.dir, 'containerd.toml'), containerdToml(join(node.dir, 'cni')));
  await node.startDaemon('containerd', { program: 'containerd', args: ['--config', join(node.dir, 'containerd.toml')] });
  await until(() => ctr(node, 'version'), { what: `containerd of ${node.name} answers`, timeout: 30_000 });
}

/** Makes the images of an archive (OCI or docker) known to the node; gives their names. */
export async function importImage(node: Host, archive: string): Promise<readonly string[]> {
  const [file, ...args] = node.enter('ctr', ['--address', CONTAINERD_SOCKET, '--namespace', 'k8s.io', 'images', 'import', '-']);
  // By its input: the path may lie where the node has other files.
  const input = openSync(archive, 'r');
  const child = spawn(file, args, { stdio: [input, 'pipe', 'pipe'] });
  closeSync(input);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${node.name} did not import ${archive}: ${said.trim()}`);
  return [...said.matchAll(/unpacking (\S+)/g)].map(([, name = '']) => name);
}

export interface NodeParts {
  readonly pki: string;
  /** The node's own control group. */
  readonly cgroup: string;
}

export async function startNode(node: Host, { pki, cgroup }: NodeParts): Promise<void> {
  const config = (name: string, content: object): string => {
    const file = join(node.dir, name);
    writeFileSync(file, JSON.stringify(content, undefined, 2));
    return file;
  };
  writeFileSync(join(node.dir, 'resolv.conf'), '');
  const kubelet = config('kubelet.json', kubeletConfig(node, { pki, cgroup }));
  const identity = [`--hostname-override=${node.name}`, `--node-ip=${node.address}`];
  await node.startDaemon('kubelet', {
    program: programPath('kubelet'),
    args: [`--config=${kubelet}`, `--kubeconfig=${join(pki, `${node.name}.kubeconfig`)}`, ...identity],
  });
  const proxy = config('kube-proxy.json', proxyConfig(node, join(pki, 'proxy.kubeconfig')));
  await node.startDaemon('kube-proxy', { program: programPath('kube-proxy'), args: [`--config=${proxy}`] });
}

function ctr(node: Host, ...args: readonly string[]): Promise<string> {
  return node.run('ctr', ['--address', CONTAINERD_SOCKET, '--namespace', 'k8s.io', ...args]);
}
