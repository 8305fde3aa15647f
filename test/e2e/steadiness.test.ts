/** A pod that writes all the time, and notices nothing of what happens to Kubernetes and to Loligo around it. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Loligo } from '../support/kubernetes/loligo.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { sharedKube } from '../support/kubernetes/shared-kube.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';
import { Writer } from '../support/kubernetes/writer.ts';

const API_AWAY = 60_000; // milliseconds; sidecars give their leases up after 15 s
/** More than a write takes on a busy machine, less than any client of Ceph or kubelet waits. */
const NOTICEABLE = 10; // seconds

const kube = sharedKube();
let loligo: Loligo;
let namespace: TestNamespace;
let writer: Writer;

before(async () => {
  loligo = await Loligo.install(kube);
  namespace = await kube.freshNamespace();
  await namespace.apply(claim('steady'));
  writer = await Writer.start(namespace, 'writer', { node: 'node1', claim: 'steady' });
});

after(async () => {
  await namespace[Symbol.asyncDispose]();
  await loligo.untilEmpty();
});

/** Does something, and shows that the writer was not disturbed. */
async function undisturbed(t: TestContext, act: () => Promise<void>): Promise<void> {
  const before = await writer.count();
  await act();
  const { count, longestGap } = await writer.check(before);
  t.diagnostic(`${count - before} blocks meanwhile, none failed; the longest time without one: ${longestGap.toFixed(2)} s`);
  assert.ok(longestGap < NOTICEABLE, `nothing was written for ${longestGap} s`);
}

/** A volume can be made, written on the writer's node, and taken away again. */
async function serves(name: string): Promise<void> {
  const objects = [claim(name), pod(name, { node: 'node1', claims: { '/data': name } })];
  await namespace.apply(objects);
  await namespace.untilReady(name, 120_000);
  await namespace.exec(name, 'sh', '-c', 'echo text > /data/file && sync');
  await kube.remove(objects, '--namespace', namespace.name, '--timeout=120s');
}

/** What pods of a component are, by node: a pod that was replaced has another uid. */
async function podUids(component: string): Promise<string> {
  const selector = `app.kubernetes.io/component=${component}`;
  const path = '{range .items[*]}{.spec.nodeName} {.metadata.uid} {.status.containerStatuses[*].restartCount}{"\\n"}{end}';
  const pods = await kube.kubectl('get', 'pods', '-n', loligo.namespace, '-l', selector, '-o', `jsonpath=${path}`);
  return pods.split('\n').toSorted().join('\n');
}

test('a pod that writes does not notice that kubelet is restarted', async (t) => {
  await undisturbed(t, async () => {
    await kube.node('node1').daemon('kubelet').restart();
    await serves('after-kubelet');
  });
});

test('a pod that writes does not notice that the node pod is deleted and comes back', async (t) => {
  await undisturbed(t, async () => {
    const before = await podUids('node');
    await kube.kubectl('delete', 'pods', '--namespace', loligo.namespace, '--selector', 'app.kubernetes.io/component=node');
    await loligo.untilReady();
    assert.notEqual(await podUids('node'), before);
    await serves('after-node-pod');
  });
});

test('a mount in whose middle the node pod is killed comes about, and a pod that writes does not notice', async (t) => {
  await undisturbed(t, async () => {
    const objects = [claim('cut-short'), pod('cut-short', { node: 'node1', claims: { '/data': 'cut-short' } })];
    await namespace.apply(objects);
    const attached = async (): Promise<boolean> =>
      (await kube.kubectl('get', 'volumeattachments', '--output=jsonpath={.items[*].status.attached}')) === 'true true';
    await namespace.until(attached, { what: 'the volume is attached', interval: 50 });
    await kube.kubectl(
      'delete',
      'pods',
      '-n',
      loligo.namespace,
      '-l',
      'app.kubernetes.io/component=node',
      '--grace-period=0',
      '--force',
    );
    await namespace.untilReady('cut-short', 120_000);
    await kube.remove(objects, '--namespace', namespace.name, '--timeout=120s');
    await loligo.untilReady();
  });
});

test('helm upgrade and rollback replace node pods and leave mapper pods; a pod that writes does not notice', {
  timeout: 400_000,
}, async (t) => {
  const [nodes, mappers] = [await podUids('node'), await podUids('mapper')];
  const defaults = await loligo.defaults();
  const changed = { ...defaults, driver: { reapInterval: 5, logLevel: 'debug' } };
  await undisturbed(t, async () => {
    await loligo.upgrade(changed);
    await serves('after-upgrade');
  });
  const upgraded = await podUids('node');

  await undisturbed(t, async () => {
    await kube.helm('rollback', 'loligo', '--namespace', loligo.namespace, '--wait', '--timeout', '3m');
    await loligo.untilReady();
    await serves('after-rollback');
  });

  assert.notEqual(upgraded, nodes);
  assert.notEqual(await podUids('node'), upgraded);
  assert.equal(await podUids('mapper'), mappers);
  const log = await kube.kubectl(
    'get',
    'daemonset',
    'loligo-node',
    '-n',
    loligo.namespace,
    '-o',
    'jsonpath={.spec.template.spec.containers[0].args}',
  );
  assert.match(log, /--log-level=info/);
});

test('a pod that writes does not notice that Loligo is uninstalled, and installed again', { timeout: 400_000 }, async (t) => {
  const mappers = await podUids('mapper');

  await undisturbed(t, async () => {
    await kube.helm('uninstall', 'loligo', '--namespace', loligo.namespace, '--wait');
    // Helm waits for Deployment and DaemonSet, not for their pods.
    const gone = async (): Promise<boolean> => [...(await loligo.pods('controller')), ...(await loligo.pods('node'))].length === 0;
    await kube.until(gone, { what: 'no controller and no node pod is left' });
    await writer.untilFurther();
    loligo = await Loligo.install(kube);
    await serves('after-install');
  });

  assert.equal(await podUids('mapper'), mappers);
});

test('a pod that writes does not notice that the API server is away, and claims are served when it is back', {
  timeout: 400_000,
}, async (t) => {
  await undisturbed(t, async () => {
    const server = kube.control.daemon('kube-apiserver');
    await server.stop();
    try {
      await sleep(API_AWAY);
    } finally {
      await server.start();
    }
    await kube.until(() => kube.kubectl('get', '--raw', '/readyz'), { what: 'the API server is ready', timeout: 120_000 });
    await serves('after-api');
    await loligo.untilReady();
  });
});

test('what was written is there on another node', { timeout: 180_000 }, async () => {
  const { count } = await writer.check();
  await namespace.kubectl('delete', 'pod', writer.name, '--now');

  const next = await Writer.start(namespace, 'next', { node: 'node2', claim: 'steady' });
  const { count: later } = await next.check();

  assert.ok(later >= count);
  await namespace.kubectl('delete', 'pod', 'next', '--now');
});
