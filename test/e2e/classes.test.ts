/** What classes say is what images get; and what is wrong with a class or a pool is told where a user looks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIVER } from '../support/kubernetes/loligo.ts';
import { claim } from '../support/kubernetes/objects.ts';
import { sharedLoligo } from '../support/kubernetes/shared-loligo.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';

const { kube, loligo } = await sharedLoligo();

/** Makes a claim of a class of the test's own, and gives what the Event about it says. */
async function refusalOf(namespace: TestNamespace, parameters: Readonly<Record<string, string>>): Promise<string> {
  const name = `wrong-${namespace.name}`;
  const storageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: DRIVER,
    parameters: { cluster: 'prod', pool: loligo.pool.name, ...parameters },
  };
  await kube.apply(storageClass);
  try {
    await namespace.apply(claim('data', { class: name }));
    return await namespace.untilEvent('pvc/data', /^ProvisioningFailed: /);
  } finally {
    await kube.remove(storageClass);
  }
}

async function setAttributes(namespace: TestNamespace, attributes: string): Promise<void> {
  const patch = JSON.stringify({ spec: { volumeAttributesClassName: attributes } });
  await namespace.kubectl('patch', 'pvc', 'data', '--patch', patch);
  const current = async (): Promise<boolean> =>
    (await namespace.field('pvc/data', '{.status.currentVolumeAttributesClassName}')) === attributes;
  await namespace.until(current, { what: `pvc/data has the attributes ${attributes}` });
}

test('a volume made with a VolumeAttributesClass has its limits, and another class changes them', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.apply(claim('data', { attributes: 'slow' }));
  await namespace.untilBound('data');
  const image = await loligo.imageOf(namespace, 'data');
  const limit = (): Promise<string | undefined> => loligo.metadataOf(image, 'conf_rbd_qos_iops_limit');
  const made = await limit();

  await setAttributes(namespace, 'slower');

  assert.deepEqual([made, await limit()], ['500', '50']);
});

test('a deleted volume is kept as long as its VolumeAttributesClass says', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.apply(claim('data'));
  await namespace.untilBound('data');
  const image = await loligo.imageOf(namespace, 'data');

  await setAttributes(namespace, 'kept');
  await namespace.kubectl('delete', 'pvc', 'data');
  await namespace.until(async () => (await loligo.pool.images()).length === 0, { what: 'the image is deleted' });

  const [trashed] = (await loligo.pool.rbdJson('trash', 'ls', '--all', '--long')) as {
    id: string;
    name: string;
    deferment_end_time?: string;
  }[];
  assert.equal(trashed?.name, image);
  // Brought back by Ceph's own means, so that nothing is left.
  await loligo.pool.rbd('trash', 'rm', '--force', '--no-progress', trashed.id);
});

test('an Event names the parameter that there is not', async () => {
  await using namespace = await kube.freshNamespace();

  assert.match(await refusalOf(namespace, { imageFormat: '2' }), /InvalidArgument.*PARAMETER_UNKNOWN.*imageFormat/);
});

test('an Event names the pool that is missing', async () => {
  await using namespace = await kube.freshNamespace();

  assert.match(await refusalOf(namespace, { pool: 'nowhere' }), /POOL_MISSING.*nowhere/);
});

test('an Event tells that the quota of the pool is reached, and the claim is bound once it is raised', async () => {
  await using namespace = await kube.freshNamespace();
  const { ceph, name } = loligo.pool;
  await ceph.ceph('osd', 'pool', 'set-quota', name, 'max_objects', '1');
  try {
    const full = async (): Promise<boolean> => (await ceph.ceph('health', 'detail')).includes('POOL_FULL');
    await kube.until(full, { what: 'Ceph says that the pool is full' });
    await namespace.apply(claim('data'));

    await namespace.untilEvent('pvc/data', /ProvisioningFailed: .*POOL_FULL/);
  } finally {
    await ceph.ceph('osd', 'pool', 'set-quota', name, 'max_objects', '0');
  }
  await namespace.untilBound('data', 120_000);
});
