/** A node is lost, with a pod on it that writes: the volume goes elsewhere once its old client is gone, and not before. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pids, procFile } from '../support/kubernetes/container-processes.ts';
import type { KubeObject } from '../support/kubernetes/kube.ts';
import { Loligo } from '../support/kubernetes/loligo.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { readRecord } from '../support/kubernetes/record.ts';
import { sharedKube } from '../support/kubernetes/shared-kube.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';
import { Writer } from '../support/kubernetes/writer.ts';

const TAINT = 'node.kubernetes.io/out-of-service';
const LOST = 'node2';

const kube = sharedKube();
const node = kube.node(LOST);
let loligo: Loligo;

before(async () => {
  loligo = await Loligo.install(kube);
});

after(bringBack);

async function bringBack(): Promise<void> {
  await node.daemon('kubelet').start();
  await kube.kubectl('taint', 'node', LOST, `${TAINT}-`).catch(() => {}); // it has none
  await kube.until(async () => (await nodeReady()) === 'True', { what: `${LOST} is Ready`, timeout: 120_000 });
  await loligo.untilReady();
}

function nodeReady(): Promise<string> {
  return kube.kubectl('get', 'node', LOST, '--output', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}');
}

interface Event extends KubeObject {
  readonly message: string;
  readonly reason: string;
  readonly involvedObject: { readonly name: string };
}

async function eventsOf(namespace: TestNamespace, name: string): Promise<readonly string[]> {
  const events = await namespace.list<Event>('events');
  return events.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason, message }) => `${reason}: ${message}`);
}

async function watchers(image: string): Promise<readonly string[]> {
  const status = (await loligo.pool.rbdJson('status', image)) as { watchers: readonly { address: string }[] }; // as `rbd status` has it
  return status.watchers.map(({ address }) => address);
}

/** As if the power went: all processes of all pods on the node, without a word. */
function powerOff(): void {
  const group = `${readRecord(kube.dir)?.cgroup}/${LOST}/kubepods/`;
  for (const pid of pids().filter((one) => procFile(one, 'cgroup').includes(group))) process.kill(pid, 'SIGKILL');
}

test('a volume moves from a lost node once the old client is gone; while it lives the Event has its address', {
  timeout: 600_000,
}, async (t) => {
  await using namespace = await kube.freshNamespace();
  await namespace.apply(claim('moving'));
  const writer = await Writer.start(namespace, 'before', { node: LOST, claim: 'moving' });
  const image = await loligo.imageOf(namespace, 'moving');
  const written = await writer.count();

  await node.daemon('kubelet').stop();
  await kube.until(async () => (await nodeReady()) === 'Unknown', { what: `${LOST} is lost`, timeout: 90_000 });
  await kube.kubectl('taint', 'node', LOST, `${TAINT}=nodeshutdown:NoExecute`);
  const gone = async (): Promise<boolean> => (await namespace.kubectl('get', 'pod', 'before', '--ignore-not-found')) === '';
  await namespace.until(gone, { what: 'the pod is given up', timeout: 120_000 });
  await namespace.apply(pod('after', { node: 'node1', claims: { '/data': 'moving' } }));
  const refused = await namespace.until(
    async () => (await eventsOf(namespace, 'after')).find((event) => event.includes('IMAGE_IN_USE')),
    { what: 'an Event says who has the image', timeout: 120_000 },
  );

  t.diagnostic(refused);
  assert.match(refused, /FailedAttachVolume/);
  assert.ok(refused.includes(node.address), `${node.address} is not in "${refused}"`);
  assert.ok((await watchers(image)).every((address) => address.startsWith(`${node.address}:`)));
  assert.equal(await namespace.field('pod/after', '{.status.phase}'), 'Pending');

  powerOff();
  const since = performance.now();
  await namespace.untilReady('after', 300_000);

  t.diagnostic(`the pod runs elsewhere ${((performance.now() - since) / 1000).toFixed(0)} s after the old client's end`);
  assert.ok((await watchers(image)).every((address) => address.startsWith(`${kube.node('node1').address}:`)));
  const blocks = (await namespace.exec('after', 'cat', '/data/blocks')).split('\n').slice(0, -1);
  assert.ok(blocks.length > written, `${blocks.length} blocks, and ${written} were there before`);
  for (const [index, block] of blocks.entries()) assert.equal(block.split(' ')[0], String(index));

  await bringBack();
  const left = async (): Promise<boolean> =>
    (await node.run('findmnt', ['--raw', '--noheadings', '--output', 'TARGET']))
      .split('\n')
      .every((target) => !target.includes(image));
  await kube.until(left, { what: `${LOST} has let go of the volume`, timeout: 120_000 });
  await namespace.kubectl('delete', 'pod', 'after', '--now');
  await Writer.start(namespace, 'back', { node: LOST, claim: 'moving' }).then((back) => back.check());
});
