/** The programs of a Kubernetes cluster, built from `go/` with the Go toolchain alone. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../ceph/program.ts';
import { BIN, GO_MODULE, KUBE_VERSION } from './places.ts';

const BUILD_TIMEOUT = 60 * 60_000; // milliseconds; the API server alone takes 4 to 8 minutes with a cold cache

/** Package of each program, in the order in which they are built: each adds what those before it did not compile. */
export const PROGRAMS = {
  pause: './pause',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
  'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  etcd: 'go.etcd.io/etcd/server/v3',
  helm: 'helm.sh/helm/v3/cmd/helm',
  'csi-provisioner': 'github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner',
  'csi-attacher': 'github.com/kubernetes-csi/external-attacher/v4/cmd/csi-attacher',
  'csi-resizer': 'github.com/kubernetes-csi/external-resizer/v2/cmd/csi-resizer',
  'csi-snapshotter': 'github.com/kubernetes-csi/external-snapshotter/v8/cmd/csi-snapshotter',
  'snapshot-controller': 'github.com/kubernetes-csi/external-snapshotter/v8/cmd/snapshot-controller',
  'csi-snapshot-metadata': 'github.com/kubernetes-csi/external-snapshot-metadata/cmd/csi-snapshot-metadata',
  'csi-node-driver-registrar': './csi-node-driver-registrar',
  livenessprobe: './livenessprobe',
} as const;

export type ProgramName = keyof typeof PROGRAMS;

/** Where a built program lies. */
export function programPath(name: ProgramName): string {
  return join(BIN, name);
}

/** Where the Go toolchain keeps the files of a module of `go/go.mod`. */
export async function goModuleFolder(path: string): Promise<string> {
  const listed = await runProgram('go', ['-C', GO_MODULE, 'list', '-m', '-f', '{{.Dir}}', path]);
  return listed.trim();
}

/** Shows one program's build; `step` of `scripts/step.ts` has this shape. */
export type Show = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** For those whose caller shows nothing. */
export const silently: Show = (_name, work) => work();

/** Builds what is not up to date, of all programs or of those named; a tenth of a second when nothing is to do. */
export async function buildPrograms(show: Show = silently, names = programNames()): Promise<void> {
  mkdirSync(BIN, { recursive: true });
  const stamp = await sourceStamp();
  const stale = names.filter((name) => !isUpToDate(name, stamp));
  for (const name of stale) await show(`build ${name}${remark(name)}`, () => build(name, stamp));
}

function programNames(): readonly ProgramName[] {
  return Object.keys(PROGRAMS) as ProgramName[]; // the keys are known: the table is a constant
}

/** What a person who waits wants to know. */
function remark(name: ProgramName): string {
  return name === 'kube-apiserver' ? ' (minutes, once)' : '';
}

async function build(name: ProgramName, stamp: string): Promise<void> {
  const building = join(BIN, `.${name}-${process.pid}`);
  const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags', linkerFlags(), '-o', building, PROGRAMS[name]];
  await runProgram('go', ['-C', GO_MODULE, ...args], { env: goEnvironment(), timeout: BUILD_TIMEOUT });
  renameSync(building, programPath(name)); // whole or not at all
  writeFileSync(stampPath(name), stamp);
}

function goEnvironment(): Readonly<Record<string, string>> {
  return { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' };
}

/** Without these helm's and the sidecars' checks of the cluster's version fail. */
function linkerFlags(): string {
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(KUBE_VERSION) ?? [];
  const facts = { gitVersion: KUBE_VERSION, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const packages = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'];
  const settings = packages.flatMap((path) => Object.entries(facts).map(([name, value]) => `-X ${path}.${name}=${value}`));
  return ['-s -w', ...settings].join(' ');
}

/** Changes with the sources, the flags and the toolchain. */
async function sourceStamp(): Promise<string> {
  const hash = createHash('sha256');
  hash.update(await runProgram('go', ['-C', GO_MODULE, 'env', 'GOVERSION', 'GOARCH']));
  hash.update(linkerFlags());
  for (const file of globSync('**/{go.mod,go.sum,*.go}', { cwd: GO_MODULE }).toSorted()) {
    hash.update(file).update(readFileSync(join(GO_MODULE, file)));
  }
  return hash.digest('hex');
}

function isUpToDate(name: ProgramName, stamp: string): boolean {
  return existsSync(programPath(name)) && programStamp(name) === stamp;
}

/** What the program that is there was built from; '' when there is none. */
export function programStamp(name: ProgramName): string {
  return existsSync(stampPath(name)) ? readFileSync(stampPath(name), 'utf8') : '';
}

function stampPath(name: ProgramName): string {
  return join(BIN, `.${name}.stamp`);
}
