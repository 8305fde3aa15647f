/** The bed itself: what the other files of this folder take for granted. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ProgramError, runProgram } from '../support/ceph/program.ts';
import { cgroupRemains } from '../support/kubernetes/cgroups.ts';
import { SIDECARS } from '../support/kubernetes/images.ts';
import { imageName, Kube } from '../support/kubernetes/kube.ts';
import { packImages } from '../support/kubernetes/oci-archive.ts';
import { NETWORK } from '../support/kubernetes/places.ts';
import { readRecord } from '../support/kubernetes/record.ts';
import { sharedKube } from '../support/kubernetes/shared-kube.ts';
import { installSnapshotController } from '../support/kubernetes/snapshot-controller.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';
import { until } from '../support/kubernetes/waiting.ts';
import { livingPid } from '../support/process-identity.ts';

const kube = sharedKube();
const PLUGINS = '/var/lib/kubelet/plugins';

interface Shell {
  readonly name: string;
  readonly node: string;
  readonly command?: readonly string[];
  readonly spec?: object;
  readonly container?: object;
}

/** A pod of busybox on a given node. */
function shell({ name, node, command = ['sleep', '100000'], spec, container }: Shell): object {
  const main = { name: 'main', image: imageName('busybox'), command, ...container };
  const nodeSelector = { 'kubernetes.io/hostname': node };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 0, nodeSelector, containers: [main], ...spec },
  };
}

/** What a server says to a plain HTTP request: busybox's own wget does not work when linked statically. */
function askHttp(namespace: TestNamespace, pod: string, address: string): Promise<string> {
  const request = `printf 'GET /hostname HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ${address.replace(':', ' ')}`;
  return namespace.exec(pod, 'sh', '-c', request);
}

function nodeReady(name: string): Promise<string> {
  return kube.kubectl('get', 'node', name, '--output', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}');
}

/** Makes a loop device on a node; gives its line in `listLoops`. */
async function attachLoop(cluster: Kube, file: string): Promise<string> {
  if (!file.startsWith('/dev/')) await cluster.onNode('node1', 'truncate', '--size=16M', file);
  const name = (await cluster.onNode('node1', 'losetup', '--find', '--show', file)).trim();
  const line = (await listLoops()).find((loop) => loop.startsWith(`${name} `));
  return line ?? assert.fail(`${name} is not listed`);
}

/** This machine's loop devices, each with what it lies on: `/dev/loop0 1234 254:0`. Names alone are soon used again. */
async function listLoops(): Promise<readonly string[]> {
  const text = await runProgram('losetup', ['--list', '--noheadings', '--output', 'NAME,BACK-INO,BACK-MAJ:MIN']);
  return text.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
}

test('this machine lacks nothing, and one that does is told what', async () => {
  const check = new URL('../../scripts/check-machine.ts', import.meta.url).pathname;

  const here = await runProgram(process.execPath, [check]);
  const elsewhere = (): Promise<string> => runProgram(process.execPath, [check], { env: { PATH: '/nonexistent' } });

  assert.equal(here, '');
  await assert.rejects(elsewhere, ({ stderr }: ProgramError) => /It lacks\n {2}the Go toolchain: .*ENOENT/.test(stderr));
});

test('both nodes are Ready', async () => {
  const nodes = await kube.list('nodes');

  assert.deepEqual(
    nodes.map(({ metadata }) => metadata.name),
    ['node1', 'node2'],
  );
  for (const { metadata } of nodes) assert.equal(await nodeReady(metadata.name), 'True');
});

test('pods on two nodes reach each other, their services, the API and Ceph', async () => {
  await using namespace = await kube.freshNamespace();
  const serve = ['httpd', '-f', '-p', '8080', '-h', '/etc'];
  await namespace.apply([
    shell({ name: 'one', node: 'node1', command: serve }),
    shell({ name: 'two', node: 'node2', command: serve }),
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'two' }, spec: { selector: { app: 'two' }, ports: [{ port: 8080 }] } },
  ]);
  await namespace.untilReady('one');
  await namespace.untilReady('two');
  const [one, two] = [await namespace.field('pod/one', '{.status.podIP}'), await namespace.field('pod/two', '{.status.podIP}')];
  const service = await namespace.field('service/two', '{.spec.clusterIP}');

  assert.match(await askHttp(namespace, 'one', `${two}:8080`), /200 OK[\s\S]*two/);
  assert.match(await askHttp(namespace, 'two', `${one}:8080`), /200 OK[\s\S]*one/);
  for (const pod of ['one', 'two']) {
    const served = (): Promise<boolean> => askHttp(namespace, pod, `${service}:8080`).then((text) => text.includes('two'));
    await namespace.until(served, { what: `the service answers ${pod}` });
    assert.match(await askHttp(namespace, pod, `${NETWORK.apiService}:443`), /HTTP request to an HTTPS server/);
    const banner = await namespace.exec(pod, 'sh', '-c', `nc -w 5 ${NETWORK.control} 3300 < /dev/null | head -c 7`);
    assert.equal(banner, 'ceph v2');
  }
});

test('Ceph and its programs work in the network of the cluster', async () => {
  await using pool = await kube.ceph.freshNamespace();

  await pool.rbd('create', '--size', '8M', 'image');

  assert.deepEqual(await pool.images(), ['image']);
});

test('a mount made in a pod reaches the node and other pods, and one made on the node reaches the pods', async () => {
  await using namespace = await kube.freshNamespace();
  const volumes = [{ name: 'plugins', hostPath: { path: PLUGINS, type: 'DirectoryOrCreate' } }];
  const seeing = (mountPropagation: string): object => ({
    volumeMounts: [{ name: 'plugins', mountPath: PLUGINS, mountPropagation }],
    securityContext: { privileged: mountPropagation === 'Bidirectional' },
  });
  await namespace.apply([
    shell({ name: 'mounter', node: 'node1', spec: { volumes }, container: seeing('Bidirectional') }),
    shell({ name: 'reader', node: 'node1', spec: { volumes }, container: seeing('HostToContainer') }),
  ]);
  await namespace.untilReady('mounter');
  await namespace.untilReady('reader');
  const make = (dir: string): string => `mkdir -p ${dir} && mount -t tmpfs t ${dir} && echo ${dir} > ${dir}/file`;

  await namespace.exec('mounter', 'sh', '-c', make(`${PLUGINS}/pod`));
  await kube.onNode('node1', 'sh', '-c', make(`${PLUGINS}/node`));

  for (const dir of [`${PLUGINS}/pod`, `${PLUGINS}/node`]) {
    assert.equal(await kube.onNode('node1', 'cat', `${dir}/file`), `${dir}\n`);
    for (const pod of ['mounter', 'reader']) assert.equal(await namespace.exec(pod, 'cat', `${dir}/file`), `${dir}\n`);
  }
  await assert.rejects(kube.onNode('node2', 'cat', `${PLUGINS}/pod/file`));
  assert.ok(!existsSync(PLUGINS));
  await namespace.exec('mounter', 'umount', `${PLUGINS}/pod`);
  await kube.onNode('node1', 'umount', `${PLUGINS}/node`);
});

test('the images of the sidecars run on both nodes', async () => {
  await using namespace = await kube.freshNamespace();
  const pods = SIDECARS.flatMap((sidecar) =>
    ['node1', 'node2'].map((node) =>
      shell({
        name: `${sidecar}-${node}`,
        node,
        spec: { restartPolicy: 'Never' },
        container: { image: imageName(sidecar), command: [`/${sidecar}`, '--help'] },
      }),
    ),
  );

  await namespace.apply(pods);

  const ended = async (): Promise<boolean> => {
    const phases = (await namespace.field('pods', '{.items[*].status.phase}')).split(' ');
    return phases.length === pods.length && phases.every((phase) => phase === 'Succeeded');
  };
  await namespace.until(ended, { what: 'all of them have said what they can do', timeout: 90_000 });
});

test('the snapshot controller runs, and its kinds of objects are there', async () => {
  await installSnapshotController(kube);

  const kinds = await kube.kubectl('api-resources', '--output', 'name');

  for (const kind of ['volumesnapshots.snapshot', 'volumegroupsnapshots.groupsnapshot']) {
    assert.ok(kinds.split('\n').includes(`${kind}.storage.k8s.io`), `no ${kind}`);
  }
});

test('helm installs, upgrades and uninstalls a chart', async () => {
  await using namespace = await kube.freshNamespace();
  const chart = mkdtempSync(join(tmpdir(), 'loligo-chart-'));
  mkdirSync(join(chart, 'templates'));
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: trivial\nversion: 0.1.0\nkubeVersion: ">=1.30.0"\n');
  const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: greeting}\ndata: {word: "{{ .Values.word }}"}\n';
  writeFileSync(join(chart, 'templates/map.yaml'), map);

  await kube.helm('install', 'trivial', chart, '--namespace', namespace.name, '--set', 'word=hello', '--wait');
  const installed = await namespace.field('configmap/greeting', '{.data.word}');
  await kube.helm('upgrade', 'trivial', chart, '--namespace', namespace.name, '--set', 'word=again', '--wait');
  const upgraded = await namespace.field('configmap/greeting', '{.data.word}');
  await kube.helm('uninstall', 'trivial', '--namespace', namespace.name, '--wait');

  assert.deepEqual([installed, upgraded], ['hello', 'again']);
  await assert.rejects(namespace.get('configmap', 'greeting'));
  rmSync(chart, { recursive: true });
});

test('a kubelet that is restarted leaves its pods alone', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.apply(shell({ name: 'steady', node: 'node1' }));
  await namespace.untilReady('steady');
  const container = '{.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}';
  const before = await namespace.field('pod/steady', container);

  await kube.node('node1').daemon('kubelet').restart();
  await namespace.apply(shell({ name: 'next', node: 'node1' }));
  await namespace.untilReady('next');

  assert.equal(await namespace.field('pod/steady', container), before);
});

test('an API server that is away for a while comes back', async () => {
  const server = kube.control.daemon('kube-apiserver');

  server.pause();
  const asked = kube.kubectl('get', 'nodes', '--request-timeout=2s');
  await assert.rejects(asked).finally(() => server.resume());

  await kube.until(() => kube.kubectl('get', '--raw', '/readyz'), { what: 'the API server is ready' });
});

test('a node whose kubelet is stopped is lost, and found when it is started', { timeout: 180_000 }, async () => {
  const kubelet = kube.node('node2').daemon('kubelet');

  await kubelet.stop();
  try {
    await kube.until(async () => (await nodeReady('node2')) === 'Unknown', { what: 'node2 is lost', timeout: 90_000 });
  } finally {
    await kubelet.start();
  }

  await kube.until(async () => (await nodeReady('node2')) === 'True', { what: 'node2 is Ready' });
});

test('an image that was built elsewhere runs on a node once it is imported', async () => {
  await using namespace = await kube.freshNamespace();
  const work = mkdtempSync(join(tmpdir(), 'loligo-image-'));
  mkdirSync(join(work, 'root'));
  copyFileSync('/bin/busybox', join(work, 'root/busybox'));
  const [name, archive] = [imageName('brought'), join(work, 'brought.tar')];
  await packImages(archive, join(work, 'root'), [{ name, entrypoint: ['/busybox'] }]);

  const imported = await kube.importImage(archive);
  const container = { image: name, command: ['/busybox', 'sleep', '1000'] };
  await namespace.apply(['node1', 'node2'].map((node) => shell({ name: node, node, container })));

  assert.deepEqual(imported, [name]);
  for (const pod of ['node1', 'node2']) await namespace.untilReady(pod);
  rmSync(work, { recursive: true });
});

test('waiting in vain tells the Events of the pods that were waited for', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.apply(
    shell({ name: 'hopeless', node: 'node1', container: { image: 'loligo.test/none:e2e', imagePullPolicy: 'Never' } }),
  );

  const waiting = namespace.untilReady('hopeless', 5000);

  await assert.rejects(waiting, /hopeless[\s\S]*ErrImageNeverPull[\s\S]*last complaints of kubelet/);
});

test('a cluster whose owner is killed leaves nothing: no process, no loop device, no control group, no file', {
  timeout: 180_000,
}, async () => {
  const dir = `${kube.dir}-second`;
  const program = `import { Kube } from '${new URL('../support/kubernetes/kube.ts', import.meta.url).href}';
    await Kube.up({ dir: '${dir}', nodes: 1, ceph: false });
    console.log('up');
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await Promise.race([once(owner.stdout, 'data'), once(owner, 'exit')]);
  assert.equal(String(said), 'up\n');
  const second = Kube.attach(dir);
  // On this machine's disk; on a file system that only the node has; on one of these two, as kubelet does for block volumes.
  const plain = await attachLoop(second, '/var/lib/kubelet/backing');
  const inside = await attachLoop(second, '/run/backing');
  const above = await attachLoop(second, inside.split(' ')[0] ?? '');
  const cgroup = readRecord(dir)?.cgroup ?? '';
  const inits = [second.control, ...second.nodes].map(({ init }) => init);
  assert.notDeepEqual(cgroupRemains(cgroup), []);

  owner.kill('SIGKILL');
  await until(() => !existsSync(dir), { what: 'the second cluster is gone', timeout: 60_000 });

  assert.deepEqual(inits.map(livingPid), [undefined, undefined]);
  assert.deepEqual(cgroupRemains(cgroup), []);
  const left = await listLoops();
  for (const loop of [plain, inside, above]) assert.ok(!left.includes(loop), `${loop} is still there`);
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(dir));
});
