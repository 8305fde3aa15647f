/** etcd, API server, controller manager and scheduler, on the control host. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ProgramName, programPath } from './binaries.ts';
import type { Host } from './host.ts';
import { NETWORK } from './places.ts';

const ETCD = 'http://127.0.0.1:2379';
const ETCD_PEER = 'http://127.0.0.1:2380';

/** Starts etcd and the API server, which keeps asking until etcd answers. */
export async function startApiServer(control: Host, pki: string): Promise<void> {
  await start(control, 'etcd', etcdFlags(join(control.dir, 'etcd')));
  await start(control, 'kube-apiserver', apiServerFlags(pki));
}

/** Starts what works through the API server, which must be ready: they end when it does not let them in yet. */
export async function startControllers(control: Host, pki: string): Promise<void> {
  await start(control, 'kube-controller-manager', controllerManagerFlags(pki));
  await start(control, 'kube-scheduler', clientFlags(join(pki, 'scheduler.kubeconfig')));
}

function start(control: Host, name: ProgramName, flags: Flags): Promise<unknown> {
  return control.startDaemon(name, { program: programPath(name), args: toArguments(flags) });
}

type Flags = Readonly<Record<string, string>>;

function toArguments(flags: Flags): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

function etcdFlags(dataDir: string): Flags {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return {
    name: 'e2e',
    'data-dir': dataDir,
    'unsafe-no-fsync': 'true', // what is thrown away need not survive a power cut
    'log-level': 'warn',
    'listen-client-urls': ETCD,
    'advertise-client-urls': ETCD,
    'listen-peer-urls': ETCD_PEER,
    'initial-advertise-peer-urls': ETCD_PEER,
    'initial-cluster': `e2e=${ETCD_PEER}`,
  };
}

function apiServerFlags(pki: string): Flags {
  return {
    'etcd-servers': ETCD,
    'bind-address': NETWORK.control,
    'advertise-address': NETWORK.control,
    'secure-port': '6443',
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
