/** Larger claims: while a pod writes (xfs), and while no pod has them (ext4); and what kubelet says of how full they are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { sharedLoligo } from '../support/kubernetes/shared-loligo.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';

const MIB = 2 ** 20;

const { kube, loligo } = await sharedLoligo();

async function grow(namespace: TestNamespace, name: string, size: string): Promise<void> {
  const patch = JSON.stringify({ spec: { resources: { requests: { storage: size } } } });
  await namespace.kubectl('patch', 'pvc', name, '--patch', patch);
}

async function imageSize(image: string): Promise<number> {
  const { size } = (await loligo.pool.rbdJson('info', image)) as { size: number }; // the shape of `rbd info`
  return size;
}

/** Size of the file system that a pod has at /data, in MiB. */
async function fileSystemSize(namespace: TestNamespace, name: string): Promise<number> {
  return Number(await namespace.exec(name, 'sh', '-c', "df -m /data | awk 'END { print $2 }'"));
}

function untilCapacity(namespace: TestNamespace, name: string, size: string): Promise<unknown> {
  const grown = async (): Promise<boolean> => (await namespace.field(`pvc/${name}`, '{.status.capacity.storage}')) === size;
  return namespace.until(grown, { what: `pvc/${name} has ${size}`, timeout: 120_000 });
}

test('an xfs grows while a pod writes to it, and not one write fails', async () => {
  await using namespace = await kube.freshNamespace();
  const loop = 'while sleep 0.2; do date >> /data/log && sync /data/log && echo ok || echo failed; done > /tmp/outcome 2>&1';
  await namespace.start(
    claim('data', { class: 'loligo-xfs', size: '320Mi' }),
    pod('writer', { claims: { '/data': 'data' }, command: ['sh', '-c', loop] }),
  );
  const before = await fileSystemSize(namespace, 'writer');

  await grow(namespace, 'data', '640Mi');
  await untilCapacity(namespace, 'data', '640Mi');

  const outcomes = (await namespace.exec('writer', 'sort', '-u', '/tmp/outcome')).trim();
  const after = await fileSystemSize(namespace, 'writer');
  assert.equal(await imageSize(await loligo.imageOf(namespace, 'data')), 640 * MIB);
  assert.ok(before < 320 && after > 500, `file system of ${before}, then ${after} MiB`);
  assert.equal(outcomes, 'ok');
  assert.equal(await namespace.field('pod/writer', '{.status.containerStatuses[0].restartCount}'), '0');
});

test('an ext4 that no pod has grows at its next start, with what was in it', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.start(claim('data'), pod('first', { claims: { '/data': 'data' } }));
  await namespace.exec('first', 'sh', '-c', 'echo kept > /data/file && sync');
  const image = await loligo.imageOf(namespace, 'data');
  await namespace.kubectl('delete', 'pod', 'first');
  await loligo.untilUnused(image);

  await grow(namespace, 'data', '256Mi');
  await namespace.until(async () => (await imageSize(image)) === 256 * MIB, { what: 'the image is larger' });
  await namespace.start(pod('second', { claims: { '/data': 'data' } }));
  await untilCapacity(namespace, 'data', '256Mi');

  assert.ok((await fileSystemSize(namespace, 'second')) > 200);
  assert.equal(await namespace.exec('second', 'cat', '/data/file'), 'kept\n');
});

test('a raw block volume grows under its pod', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.start(claim('disk', { mode: 'Block', size: '16Mi' }), pod('writer', { claims: { '/dev/xvda': 'disk' } }));

  await grow(namespace, 'disk', '48Mi');
  await untilCapacity(namespace, 'disk', '48Mi');

  assert.equal(Number(await namespace.exec('writer', 'blockdev', '--getsize64', '/dev/xvda')), 48 * MIB);
});

test("kubelet's metrics tell how large and how full a volume is", async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.start(claim('data'), pod('writer', { node: 'node1', claims: { '/data': 'data' } }));
  await namespace.exec('writer', 'sh', '-c', 'dd if=/dev/urandom of=/data/file bs=1M count=20 && sync');
  const labels = `{namespace="${namespace.name}",persistentvolumeclaim="data"}`;
  const metric = async (name: string): Promise<number | undefined> => {
    const page = await kube.kubectl('get', '--raw', '/api/v1/nodes/node1/proxy/metrics');
    const line = page.split('\n').find((text) => text.startsWith(`kubelet_volume_stats_${name}${labels} `));
    return line === undefined ? undefined : Number(line.split(' ')[1]);
  };

  // kubelet asks the driver once a minute.
  const full = async (): Promise<number | false> => {
    const used = (await metric('used_bytes')) ?? 0;
    return used >= 20 * MIB && used;
  };
  const used = await namespace.until(full, { what: 'kubelet knows of 20 MiB', timeout: 150_000, interval: 2000 });

  const capacity = (await metric('capacity_bytes')) ?? 0;
  assert.ok(used < 30 * MIB && capacity > 40 * MIB && capacity <= 64 * MIB, `${used} of ${capacity} bytes`);
  assert.ok(((await metric('inodes')) ?? 0) > 0);
});
