/** etcd, API server, controller manager and scheduler, on the control host. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ProgramName, programPath } from './binaries.ts';
import type { Host } from './host.ts';
import { NETWORK } from './places.ts';

/** Where the control plane listens. */
export interface Ports {
  readonly address: string;
  readonly api: number;
  /** etcd listens on loopback. */
  readonly etcd: number;
  readonly etcdPeer: number;
}

const PORTS: Ports = { address: NETWORK.control, api: 6443, etcd: 2379, etcdPeer: 2380 };

/** Starts etcd and the API server, which keeps asking until etcd answers. */
export async function startApiServer(control: Host, pki: string): Promise<void> {
  await start(control, 'etcd', etcdFlags(join(control.dir, 'etcd'), PORTS));
  await start(control, 'kube-apiserver', apiServerFlags(pki, PORTS));
}

/** Starts what works through the API server, which must be ready: they end when it does not let them in yet. */
export async function startControllers(control: Host, pki: string): Promise<void> {
  await start(control, 'kube-controller-manager', controllerManagerFlags(pki));
  await start(control, 'kube-scheduler', clientFlags(join(pki, 'scheduler.kubeconfig')));
}

function start(control: Host, name: ProgramName, flags: Flags): Promise<unknown> {
  return control.startDaemon(name, { program: programPath(name), args: toArguments(flags) });
}

export type Flags = Readonly<Record<string, string>>;

export function toArguments(flags: Flags): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

export function etcdFlags(dataDir: string, { etcd, etcdPeer }: Ports): Flags {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const [clients, peers] = [`http://127.0.0.1:${etcd}`, `http://127.0.0.1:${etcdPeer}`];
  return {
    name: 'e2e',
    'data-dir': dataDir,
    'unsafe-no-fsync': 'true', // what is thrown away need not survive a power cut
    'log-level': 'warn',
    'listen-client-urls': clients,
    'advertise-client-urls': clients,
    'listen-peer-urls': peers,
    'initial-advertise-peer-urls': peers,
    'initial-cluster': `e2e=${peers}`,
  };
}

export function apiServerFlags(pki: string, { address, api, etcd }: Ports): Flags {
  return {
    'etcd-servers': `http://127.0.0.1:${etcd}`,
    'bind-address': address,
    'advertise-address': address,
    'secure-port': String(api),
    'tls-cert-file': join(pki, 'apiserver.crt'),
    'tls-private-key-file': join(pki, 'apiserver.key'),
    'client-ca-file': join(pki, 'ca.crt'),
    'requestheader-client-ca-file': join(pki, 'ca.crt'),
    'requestheader-allowed-names': 'front-proxy',
    'requestheader-username-headers': 'X-Remote-User',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'proxy-client-cert-file': join(pki, 'front-proxy.crt'),
    'proxy-client-key-file': join(pki, 'front-proxy.key'),
    'kubelet-client-certificate': join(pki, 'apiserver-kubelet.crt'),
    'kubelet-client-key': join(pki, 'apiserver-kubelet.key'),
    'kubelet-certificate-authority': join(pki, 'ca.crt'),
    'kubelet-preferred-address-types': 'InternalIP',
    'service-account-key-file': join(pki, 'service-accounts.pub'),
    'service-account-signing-key-file': join(pki, 'service-accounts.key'),
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-cluster-ip-range': NETWORK.services,
    'authorization-mode': 'Node,RBAC',
    'enable-admission-plugins': 'NodeRestriction',
    'allow-privileged': 'true',
    // Webhooks and aggregated APIs by the addresses of their pods: no kube-proxy runs beside the API server.
    'enable-aggregator-routing': 'true',
    profiling: 'false',
  };
}

function controllerManagerFlags(pki: string): Flags {
  return {
    ...clientFlags(join(pki, 'controller-manager.kubeconfig')),
    'use-service-account-credentials': 'true',
    'service-account-private-key-file': join(pki, 'service-accounts.key'),
    'root-ca-file': join(pki, 'ca.crt'),
    'cluster-signing-cert-file': join(pki, 'ca.crt'),
    'cluster-signing-key-file': join(pki, 'ca.key'),
    'allocate-node-cidrs': 'false',
    // A node whose kubelet was stopped is lost after 30 s instead of 50: tests wait for it. Kubelet reports every 5 s.
    'node-monitor-grace-period': '30s',
  };
}

function clientFlags(kubeconfig: string): Flags {
  return {
    kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'leader-elect': 'false',
    profiling: 'false',
  };
}
