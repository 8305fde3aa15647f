/**
 * A volume whose mapper has ended: what the node plugin says of it, and what a user does. Kubernetes 1.37 puts the answer into the
 * pod's status (gate `CSIVolumeHealth`); the kubelet here is older and asks for a field that CSI 1.13 has dropped, so the test asks.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digest } from '../../src/node/paths.ts';
import { connectCsi } from '../support/csi-client.ts';
import { containerProcesses } from '../support/kubernetes/container-processes.ts';
import { DRIVER } from '../support/kubernetes/loligo.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { sharedLoligo } from '../support/kubernetes/shared-loligo.ts';

const { kube, loligo } = await sharedLoligo();

interface Health {
  readonly status: string;
  readonly reason: string;
}

/** What the node plugin of node1 answers kubelet, by the socket that kubelet uses. */
async function healthOf(volumeId: string): Promise<readonly Health[]> {
  const kubelet = kube.node('node1').daemon('kubelet').pid;
  const csi = connectCsi(`/proc/${kubelet}/root/var/lib/kubelet/plugins/${DRIVER}/csi.sock`);
  try {
    const { volumeHealth } = await csi.call('NodeGetVolumeHealth', { volumeId });
    return volumeHealth.healthStatuses;
  } finally {
    csi.close();
  }
}

test('a volume whose mapper has ended is told to be inaccessible, and the next pod on the node has it anew with what was synced', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.start(claim('data'), pod('first', { node: 'node1', claims: { '/data': 'data' } }));
  await namespace.exec('first', 'sh', '-c', 'echo kept > /data/file && sync');
  const volume = `prod/${loligo.pool.name}/${await loligo.imageOf(namespace, 'data')}`;
  const well = await healthOf(volume);

  const mappers = (await containerProcesses(kube, loligo.namespace)).filter(({ command }) => command.includes(digest(volume)));
  for (const { pid } of mappers) process.kill(pid, 'SIGKILL');
  const ill = await namespace.until(
    async () => {
      const entries = await healthOf(volume);
      // At first only that reads fail: the process is still being taken down.
      return entries.some(({ reason }) => reason === 'MapperEnded') && entries;
    },
    { what: 'the node plugin sees that the mapper has ended' },
  );
  await assert.rejects(namespace.exec('first', 'dd', 'if=/dev/zero', 'of=/data/other', 'bs=512', 'count=1', 'conv=fsync'));
  // While a pod of the node waits for the volume, kubelet neither unstages nor stages it.
  const uid = await namespace.field('pod/first', '{.metadata.uid}');
  await namespace.apply(pod('second', { node: 'node1', claims: { '/data': 'data' } }));
  const told = await namespace.untilEvent('pod/second', /DEAD_STILL_PUBLISHED/);
  await namespace.kubectl('delete', 'pod', 'first');
  await namespace.untilReady('second');

  assert.equal(mappers.length, 1);
  assert.deepEqual(well, []);
  assert.deepEqual(
    ill.map(({ status, reason }) => [status, reason]),
    [['INACCESSIBLE', 'MapperEnded']],
  );
  assert.ok(told.includes(uid), told);
  assert.deepEqual(await healthOf(volume), []);
  assert.equal(await namespace.exec('second', 'cat', '/data/file'), 'kept\n');
});
