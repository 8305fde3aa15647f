/** The pods run as docs/privileges.md says, by what the kernel and the API server say; nothing more is granted. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { documentedRows, hostPathRows } from '../chart/privileges.ts';
import {
  type ContainerProcess,
  containerProcesses,
  namespaceOf,
  procFile,
  statusField,
} from '../support/kubernetes/container-processes.ts';
import { Loligo, OWN_SNAPSHOT_CONTROLLER } from '../support/kubernetes/loligo.ts';
import { sharedKube } from '../support/kubernetes/shared-kube.ts';

const ZONE = 'topology.kubernetes.io/zone';

const kube = sharedKube();
let loligo: Loligo;

/** What the documented rights are of: all that is not on by itself and runs here. */
before(async () => {
  loligo = await Loligo.install(kube);
  const defaults = await loligo.defaults();
  const node = { ...(defaults['node'] as object), topologyLabels: [ZONE] };
  await kube.kubectl('label', 'node', '--all', '--overwrite', `${ZONE}=a`);
  // The bed's own snapshot controller runs beside the chart's, and both find nothing to do.
  await loligo.upgrade({ ...defaults, node, snapshots: { groups: true, controller: OWN_SNAPSHOT_CONTROLLER } });
});

after(async () => {
  await loligo.upgrade(await loligo.defaults());
  await kube.kubectl('label', 'node', '--all', `${ZONE}-`);
});

interface Mount {
  readonly path: string;
  readonly type: string;
  readonly readonly: boolean;
  readonly shared: boolean;
}

/** What containers see mounted whatever their pod says; what is mounted below these belongs to them. */
const RUNTIME_MOUNTS = ['/proc', '/sys', '/dev', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];
const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount';

function mountsOf(pid: number): readonly Mount[] {
  const lines = procFile(pid, 'mountinfo').trimEnd().split('\n');
  return lines.map((line) => {
    const [mount = '', source = ''] = line.split(' - ');
    const [, , , , path = '', options = '', ...tags] = mount.split(' ');
    const readonly = options.split(',').includes('ro');
    return { path, type: source.split(' ')[0] ?? '', readonly, shared: tags.some((tag) => tag.startsWith('shared:')) };
  });
}

function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

/** Those rows of a documented table that are about containers which run here. */
function documented(heading: string, columns: number, running: ReadonlySet<string>): readonly string[][] {
  return documentedRows(heading, columns).filter((row) => running.has(`${row[0]}/${row[1]}`));
}

function different(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return [...new Map(rows.map((row) => [row.join('|'), row])).values()].toSorted((a, b) => (a.join('|') < b.join('|') ? -1 : 1));
}

/** User, privileged, capabilities, root file system: of a process, not of what was asked for it. */
function containerRow({ component, container, pid }: ContainerProcess): readonly string[] {
  const users = new Set(statusField(pid, 'Uid').split('\t'));
  const capabilities = BigInt(`0x${statusField(pid, 'CapEff')}`);
  // Nobody gets more than the machine's own processes have.
  const all = BigInt(`0x${statusField(kube.node('node1').daemon('containerd').pid ?? 0, 'CapEff')}`);
  const mayGain = BigInt(`0x${statusField(pid, 'CapBnd')}`) !== 0n && statusField(pid, 'NoNewPrivs') !== '1';
  const confined = statusField(pid, 'Seccomp') === '2' && !mayGain;
  const granted = capabilities === 0n ? 'none' : capabilities === all ? 'all' : 'some';
  const root = mountsOf(pid).find(({ path }) => path === '/');
  return [
    component,
    container,
    [...users].join(' '),
    granted === 'all' && !confined ? 'yes' : confined ? 'no' : 'unconfined',
    granted,
    root?.readonly === true ? 'read-only' : 'writable',
  ];
}

test('every process of every container has the user, capabilities, seccomp and root file system that are documented', async () => {
  const processes = await containerProcesses(kube, loligo.namespace);
  const running = new Set(processes.map(({ component, container }) => `${component}/${container}`));

  for (const part of [
    'mapper/mapper',
    'node/driver',
    'controller/driver',
    'controller/provisioner',
    'snapshot-controller/snapshot-controller',
  ]) {
    assert.ok(running.has(part), `${part} does not run`);
  }
  assert.deepEqual(different(processes.map(containerRow)), different(documented('Containers', 6, running)));
});

test('pods are in the network that is documented, and see no processes and no IPC but their own', async () => {
  const processes = await containerProcesses(kube, loligo.namespace);
  const hosts = kube.nodes.map((node) => node.daemon('kubelet').pid ?? 0);
  const ofHost = (pid: number, kind: string): boolean => hosts.some((host) => namespaceOf(host, kind) === namespaceOf(pid, kind));
  const components = new Set(processes.map(({ component }) => component));
  const token = (pid: number): boolean => mountsOf(pid).some(({ path }) => `/var${path.replace(/^\/var/, '')}` === TOKEN);

  const rows = processes.map(({ component, pid }) => [component, ofHost(pid, 'net') ? 'host' : 'own', token(pid) ? 'yes' : 'no']);

  const pages = documentedRows('Pods', 4).filter(([component = '']) => components.has(component));
  assert.deepEqual(
    different(rows),
    different(pages.map(([component = '', , network = '', api = '']) => [component, network, api])),
  );
  assert.deepEqual(
    processes.filter(({ pid }) => ofHost(pid, 'pid') || ofHost(pid, 'ipc')),
    [],
  );
});

test('nothing is mounted in a container but what is documented, and only there do mounts reach the host', async () => {
  const processes = await containerProcesses(kube, loligo.namespace);
  const running = new Set(processes.map(({ component, container }) => `${component}/${container}`));
  // biome-ignore lint/suspicious/noExplicitAny: a pod as the API server has it, looked at for its mounts
  const pods = await kube.list<any>('pods', loligo.namespace);

  assert.deepEqual(
    different(hostPathRows(pods.map((pod) => ({ ...pod, kind: 'Pod' })))),
    different(documented('Folders of the host', 4, running)),
  );
  for (const { pod, container, pid, command } of processes) {
    const { containers } = pods.find(({ metadata }) => metadata.name === pod).spec;
    const declared: { mountPath: string; mountPropagation?: string }[] = containers.find(
      ({ name }: { name: string }) => name === container,
    ).volumeMounts;
    const shared = declared
      .filter(({ mountPropagation }) => mountPropagation === 'Bidirectional')
      .map(({ mountPath }) => mountPath);
    const expected = declared.map(({ mountPath }) => followed(mountPath));
    for (const mount of mountsOf(pid).filter(({ path }) => path !== '/' && !isBelow(path, RUNTIME_MOUNTS))) {
      assert.ok(isBelow(followed(mount.path), expected), `${pod}/${container}, ${command}: ${mount.path}`);
      assert.equal(mount.shared, isBelow(mount.path, shared), `${pod}/${container}: propagation of ${mount.path}`);
    }
  }
});

/** A path once the links of the images are followed, as the kernel shows it. */
function followed(path: string): string {
  return path.replace(/^\/var\/run\//, '/run/').replace(/^\/lib\//, '/usr/lib/');
}

/** Group, resource, name, verb: what RBAC grants is the set of these. */
type Right = string;

/** What `kubectl auth can-i --list` says an account may do in a namespace, or everywhere. */
async function rightsOf(account: string, namespace: string): Promise<readonly Right[]> {
  const list = await kube.kubectl('auth', 'can-i', '--list', '--no-headers', `--as=${account}`, '--namespace', namespace);
  return list
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const [, what = '', urls = '', names = '', verbs = ''] =
        /^(\S*)\s+\[(.*?)\]\s+\[(.*?)\]\s+\[(.*?)\]$/.exec(line) ?? assert.fail(line);
      const [resource = '', sub = ''] = what.split('/');
      const [kind = '', ...group] = resource.split('.');
      const part = sub === '' ? kind : `${kind}/${sub}`;
      return expand(
        [what === '' ? urls : `${group.join('.') || 'core'} ${part}`],
        names === '' ? ['all'] : names.split(' '),
        verbs.split(' '),
      );
    });
}

function expand(resources: readonly string[], names: readonly string[], verbs: readonly string[]): readonly Right[] {
  return resources.flatMap((resource) => names.flatMap((name) => verbs.map((verb) => `${resource} ${name} ${verb}`)));
}

/** The documented rights of the roles that an account is bound to. */
async function documentedRights(account: string, inOwnNamespace: boolean): Promise<readonly Right[]> {
  interface Binding {
    readonly roleRef: { readonly kind: string; readonly name: string };
    readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
  }
  const bindings = [...(await kube.list<Binding>('clusterrolebindings')), ...(await kube.list<Binding>('rolebindings'))];
  const bound = bindings.filter(({ subjects = [] }) =>
    subjects.some((one) => one.kind === 'ServiceAccount' && one.name === account && one.namespace === loligo.namespace),
  );
  const roles = new Set(
    bound.map(({ roleRef }) => `${roleRef.kind === 'ClusterRole' ? 'everywhere' : loligo.namespace} ${roleRef.name}`),
  );
  const rows = documentedRows('Rights in the API', 6).filter(([role, where]) => roles.has(`${where} ${role}`));
  const rights = rows.flatMap(([, where = '', group = '', resources = '', names = '', verbs = '']) => {
    if (where !== 'everywhere' && !inOwnNamespace) return [];
    const full = resources.split(', ').map((resource) => `${group} ${resource}`);
    return expand(full, names.split(', '), verbs.split(', '));
  });
  return rights;
}

test('`kubectl auth can-i --list` of each service account holds what is documented and nothing more, here and elsewhere', async () => {
  await using elsewhere = await kube.freshNamespace();
  const accounts = (await kube.list('serviceaccounts', loligo.namespace)).map(({ metadata }) => metadata.name);
  const anybody = new Set(await rightsOf(`system:serviceaccount:${elsewhere.name}:default`, elsewhere.name));

  assert.ok(accounts.includes('loligo-controller') && accounts.includes('loligo-node') && accounts.includes('loligo-mapper'));
  assert.ok(accounts.includes('loligo-snapshot-controller'));
  for (const account of accounts) {
    for (const namespace of [loligo.namespace, elsewhere.name]) {
      const granted = (await rightsOf(`system:serviceaccount:${loligo.namespace}:${account}`, namespace)).filter(
        (right) => !anybody.has(right),
      );
      const wanted = await documentedRights(account, namespace === loligo.namespace);
      assert.deepEqual([...new Set(granted)].toSorted(), [...new Set(wanted)].toSorted(), `${account} in ${namespace}`);
      if (account === 'loligo-controller') assert.ok(granted.length > 20, 'the test sees nothing');
      if (['loligo-node', 'loligo-mapper', 'default'].includes(account)) assert.deepEqual(granted, []);
    }
  }
});
