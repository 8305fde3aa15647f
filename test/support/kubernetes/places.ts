/** Where the bed keeps what it builds and what it runs, and which versions it is made of. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CACHE } from '../cache.ts';

/** Sources of everything that is built: one Go module. */
export const GO_MODULE = resolve(import.meta.dirname, 'go');

/** Kubernetes as `go/go.mod` pins it; built from modules it would call itself v0.0.0-master. */
export const KUBE_VERSION = pinnedVersion('k8s.io/kubernetes');

export const BIN = join(CACHE, 'kubernetes/bin');
export const IMAGES = join(CACHE, 'kubernetes/images');

/** The host of image names: one that no registry has (RFC 6761), so nothing is ever pulled. */
const IMAGE_HOST = 'loligo.test';

/** The full name of an image of ours; a tag other than `latest`, so that Kubernetes takes what is there. */
export function imageName(name: string): string {
  return `${IMAGE_HOST}/${name}:e2e`;
}

/** The cluster's networks. They lie in network namespaces of their own, so they collide with nothing. */
export const NETWORK = {
  control: '10.111.0.1',
  /** Another Ceph cluster, for tests of two sites. */
  peer: '10.111.0.2',
  /** The first node; those after it follow. */
  firstNode: '10.111.0.11',
  prefix: 24,
  pods: '10.244.0.0/16',
  services: '10.96.0.0/16',
  apiService: '10.96.0.1',
} as const;

export const API_SERVER = `https://${NETWORK.control}:6443`;

function pinnedVersion(module: string): string {
  const lines = readFileSync(join(GO_MODULE, 'go.mod'), 'utf8').split('\n');
  const version = lines.map((line) => line.trim().split(' ')).find(([name]) => name === module)?.[1];
  if (version === undefined) throw new Error(`go.mod does not pin ${module}`);
  return version;
}

/** Address and pod network of the n-th node, from 0. */
export function nodeNetwork(index: number): { readonly address: string; readonly pods: string } {
  const [, head = '', last = ''] = /^(.*\.)(\d+)$/.exec(NETWORK.firstNode) ?? [];
  return { address: `${head}${Number(last) + index}`, pods: `10.244.${index + 1}.0/24` };
}
