/** Certificates of a cluster, and the kubeconfigs that carry them; made by openssl, valid for a month. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../ceph/program.ts';
import { API_SERVER, NETWORK } from './places.ts';

const DAYS = '30';

interface Certificate {
  readonly name: string;
  /** `/O=group/CN=user`: whom the API server sees. */
  readonly subject: string;
  readonly usage: string;
  readonly names?: string;
}

export interface NodeIdentity {
  readonly name: string;
  readonly address: string;
}

/** Makes all keys and certificates in `dir`, and `dir/<who>.kubeconfig` for each client. */
export async function makePki(dir: string, nodes: readonly NodeIdentity[]): Promise<void> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const keys = ['ca', 'service-accounts'].map((name) => makeKey(dir, name));
  await Promise.all(keys);
  const ca = ['-key', 'ca.key', '-subj', '/CN=loligo-e2e', '-days', DAYS, '-out', 'ca.crt'];
  await openssl(dir, ['req', '-x509', '-new', ...ca]);
  await openssl(dir, ['pkey', '-in', 'service-accounts.key', '-pubout', '-out', 'service-accounts.pub']);
  await Promise.all([...CONTROL_PLANE, ...nodes.flatMap(ofNode)].map((certificate) => sign(dir, certificate)));
  const clients = ['admin', 'controller-manager', 'scheduler', 'proxy', ...nodes.map(({ name }) => name)];
  for (const client of clients) writeKubeconfig(dir, client, API_SERVER);
}

/** What the API server's certificate is for; the forwarder for people comes by 127.0.0.1. */
const API_NAMES = [
  ...['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost'].map((name) => `DNS:${name}`),
  ...['127.0.0.1', NETWORK.control, NETWORK.apiService].map((address) => `IP:${address}`),
].join(',');

const CONTROL_PLANE: readonly Certificate[] = [
  { name: 'apiserver', subject: '/CN=kube-apiserver', usage: 'serverAuth', names: API_NAMES },
  { name: 'apiserver-kubelet', subject: '/O=system:masters/CN=kube-apiserver', usage: 'clientAuth' },
  { name: 'front-proxy', subject: '/CN=front-proxy', usage: 'clientAuth' },
  { name: 'admin', subject: '/O=system:masters/CN=admin', usage: 'clientAuth' },
  { name: 'controller-manager', subject: '/CN=system:kube-controller-manager', usage: 'clientAuth' },
  { name: 'scheduler', subject: '/CN=system:kube-scheduler', usage: 'clientAuth' },
  { name: 'proxy', subject: '/CN=system:kube-proxy', usage: 'clientAuth' },
];

function ofNode({ name, address }: NodeIdentity): readonly Certificate[] {
  const subject = `/O=system:nodes/CN=system:node:${name}`;
  return [
    { name, subject, usage: 'clientAuth' },
    { name: `${name}-serving`, subject, usage: 'serverAuth', names: `DNS:${name},IP:${address}` },
  ];
}

async function sign(dir: string, { name, subject, usage, names }: Certificate): Promise<void> {
  await makeKey(dir, name);
  const extensions = [`extendedKeyUsage=${usage}`, ...(names === undefined ? [] : [`subjectAltName=${names}`])];
  writeFileSync(join(dir, `${name}.ext`), extensions.join('\n'));
  await openssl(dir, ['req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`]);
  const ca = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAserial', `${name}.srl`, '-CAcreateserial', '-days', DAYS];
  await openssl(dir, ['x509', '-req', '-in', `${name}.csr`, ...ca, '-extfile', `${name}.ext`, '-out', `${name}.crt`]);
}

async function makeKey(dir: string, name: string): Promise<void> {
  await openssl(dir, ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`]);
  chmodSync(join(dir, `${name}.key`), 0o600);
}

async function openssl(dir: string, args: readonly string[]): Promise<void> {
  await runProgram('openssl', args, { cwd: dir });
}

/** A kubeconfig with everything in it, so that it can be copied anywhere. */
export function writeKubeconfig(dir: string, client: string, server: string, file = join(dir, `${client}.kubeconfig`)): void {
  const data = (name: string): string => readFileSync(join(dir, name)).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'loligo-e2e', cluster: { server, 'certificate-authority-data': data('ca.crt') } }],
    users: [{ name: client, user: { 'client-certificate-data': data(`${client}.crt`), 'client-key-data': data(`${client}.key`) } }],
    contexts: [{ name: 'loligo-e2e', context: { cluster: 'loligo-e2e', user: client } }],
    'current-context': 'loligo-e2e',
  };
  writeFileSync(file, JSON.stringify(config, undefined, 2), { mode: 0o600 });
}
