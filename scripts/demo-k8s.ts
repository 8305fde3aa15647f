/**
 * `make demo-k8s`: Loligo on a real Kubernetes, told with kubectl. A claim is bound, a pod writes, a snapshot is taken, what was lost comes
 * back from it in a larger volume on the other node, and with the claims all space in Ceph is free again. Takes down all it started.
 */
import { Loligo } from '../test/support/kubernetes/loligo.ts';
import { claim, pod } from '../test/support/kubernetes/objects.ts';
import type { TestNamespace } from '../test/support/kubernetes/test-namespace.ts';
import { Stopped, Teller } from './demo/teller.ts';
import { upCluster } from './e2e-cluster.ts';

const LETTER = 'Dear diary, today I learned to live on Ceph.';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
const teller = new Teller(stop.signal);
try {
  await run();
} catch (error) {
  if (!(error instanceof Stopped)) throw error;
  console.log('\nStopped, and taken down.');
  process.exitCode = 130;
}

async function run(): Promise<void> {
  console.log('Loligo on a real Kubernetes of two nodes with a real Ceph, all in namespaces of their own on this machine.\n');
  await using kube = await upCluster();
  teller.heading('helm install');
  const loligo = await teller.step('pool, users, image, chart; all pods ready', () => Loligo.install(kube));
  teller.show('kubectl get pods --namespace loligo', await kube.kubectl('get', 'pods', '--namespace', loligo.namespace));
  await tellStory(loligo);
  console.log(`\n${teller.seconds} s in all. Next: make e2e-up (the same, to try things on), docs/install.md (on your own).`);
}

async function tellStory(loligo: Loligo): Promise<void> {
  {
    await using namespace = await loligo.kube.freshNamespace();
    await write(namespace);
    await loseAndRestore(namespace);
    teller.heading('What Ceph says');
    teller.show(`rbd ls -l ${loligo.pool.name}`, await loligo.pool.rbd('ls', '-l'));
    const image = await loligo.imageOf(namespace, 'diary');
    teller.show(`rbd image-meta list ${loligo.pool.name}/${image}`, await loligo.pool.rbd('image-meta', 'list', image));
    teller.heading('Cleaning up');
  }
  await teller.step('with the claims, the images and their space go', () => loligo.untilEmpty());
}

async function write(namespace: TestNamespace): Promise<void> {
  teller.heading('A claim, and a pod on node1 that writes');
  await namespace.apply([claim('diary'), pod('writer', { node: 'node1', claims: { '/data': 'diary' } })]);
  await teller.step('the claim is bound, the pod runs', () => namespace.untilReady('writer'));
  await show(namespace, 'get', 'pvc,pod', '--output', 'wide');
  await namespace.exec('writer', 'sh', '-c', `echo '${LETTER}' > /data/letter && sync`);
  await show(namespace, 'exec', 'writer', '--', 'cat', '/data/letter');
}

async function loseAndRestore(namespace: TestNamespace): Promise<void> {
  teller.heading('A snapshot, an accident, and a larger volume on node2 with what was lost');
  await teller.step('the snapshot is ready', () => namespace.takeSnapshot('friday', 'diary'));
  await show(namespace, 'get', 'volumesnapshot');
  await show(namespace, 'exec', 'writer', '--', 'rm', '/data/letter');
  const source = { snapshot: 'friday' };
  await namespace.apply([
    claim('restored', { source, size: '256Mi' }),
    pod('reader', { node: 'node2', claims: { '/data': 'restored' } }),
  ]);
  await teller.step('the restored volume is mounted, and grown', () => namespace.untilReady('reader'));
  await show(namespace, 'exec', 'reader', '--', 'cat', '/data/letter');
  await show(namespace, 'exec', 'reader', '--', 'df', '-h', '/data');
}

async function show(namespace: TestNamespace, ...args: readonly string[]): Promise<void> {
  teller.show(`kubectl ${args.join(' ')}`, await namespace.kubectl(...args));
}
