/** After volumes of all kinds, and the uninstall that docs/install.md tells, all is as it was before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIVER, Loligo } from '../support/kubernetes/loligo.ts';
import { type ClusterState, clusterState } from '../support/kubernetes/node-state.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { sharedKube } from '../support/kubernetes/shared-kube.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';

const FOLDERS = [
  '/var/lib/loligo',
  `/var/lib/kubelet/plugins/${DRIVER}`,
  '/var/lib/kubelet/plugins_registry',
  '/var/lib/kubelet/plugins/kubernetes.io',
];

const kube = sharedKube();

function stateNow(): Promise<ClusterState> {
  return clusterState(kube, FOLDERS);
}

/** Containerd and kubelet take away what was a pod's a moment after it has ended. */
async function untilAs(before: ClusterState, what: string): Promise<void> {
  const same = async (): Promise<boolean> => {
    assert.deepEqual(await stateNow(), before);
    return true;
  };
  await kube.until(same, { what, timeout: 60_000, interval: 1000 });
}

/** Written, snapshotted, restored, cloned, used at both nodes, as file system and as block device. */
async function useVolumes(namespace: TestNamespace): Promise<void> {
  await namespace.start(
    claim('data'),
    claim('xfs', { class: 'loligo-xfs', size: '320Mi' }),
    claim('raw', { mode: 'Block', access: 'ReadWriteMany' }),
    pod('one', { node: 'node1', claims: { '/data': 'data', '/xfs': 'xfs', '/dev/raw': 'raw' } }),
    pod('other', { node: 'node2', claims: { '/dev/raw': 'raw' } }),
  );
  await namespace.exec('one', 'sh', '-c', 'head -c 4M /dev/urandom | tee /data/file > /xfs/file; echo block > /dev/raw; sync');
  await namespace.takeSnapshot('then', 'data');
  await namespace.start(
    claim('restored', { source: { snapshot: 'then' } }),
    claim('cloned', { source: { claim: 'data' } }),
    pod('two', { node: 'node2', claims: { '/restored': 'restored', '/cloned': 'cloned' } }),
  );
  const sums = await namespace.exec('two', 'sh', '-c', 'sha256sum < /restored/file; sha256sum < /cloned/file');
  const sum = await namespace.exec('one', 'sh', '-c', 'sha256sum < /data/file');
  assert.equal(sums, `${sum}${sum}`);
}

test('volumes leave no mount, loop device, FUSE mount, process or file on a node, and no image in Ceph', {
  timeout: 400_000,
}, async () => {
  const loligo = await Loligo.install(kube);
  await loligo.untilEmpty();
  const before = await stateNow();

  {
    await using namespace = await kube.freshNamespace();
    await useVolumes(namespace);
    const { loops, nodes } = await stateNow();
    assert.ok(
      loops.length > 0 && nodes['node1']?.mounts.some((mount) => mount.includes('fuse')),
      'the test does not see what there is',
    );
  }
  await loligo.untilEmpty();

  await untilAs(before, 'the nodes are as before');
  assert.deepEqual(await loligo.pool.images(), []);
  assert.deepEqual(await loligo.pool.rbdJson('trash', 'ls', '--all'), []);
  assert.deepEqual(await kube.list('volumeattachments'), []);
});

test('an uninstalled Loligo leaves nothing on the nodes but folders, and comes back', { timeout: 600_000 }, async () => {
  await Loligo.uninstall(kube);
  const before = await stateNow();
  const loligo = await Loligo.install(kube);
  {
    await using namespace = await kube.freshNamespace();
    await useVolumes(namespace);
  }
  await loligo.untilEmpty();

  await Loligo.uninstall(kube);

  await untilAs(before, 'the nodes are as before');
  for (const { files } of Object.values(before.nodes)) assert.deepEqual(files, []);
  const remaining = (await loligo.pool.objects()).filter((name) => !/^(loligo\.|rbd_)/.test(name));
  assert.deepEqual(remaining, []);
  await Loligo.install(kube);
});
