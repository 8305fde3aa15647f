/** A claim becomes an image, and with the claim the image goes: at once, at the first pod, where there is room, or from what is there already. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksumInImage } from '../support/kubernetes/image-content.ts';
import { DRIVER } from '../support/kubernetes/loligo.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { sharedLoligo } from '../support/kubernetes/shared-loligo.ts';

const ZONE = 'topology.kubernetes.io/zone';

const { kube, loligo } = await sharedLoligo();

test('a claim is bound, a pod writes, the image holds what it wrote, and with the claim the image goes', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.start(claim('data'), pod('writer', { claims: { '/data': 'data' } }));

  await namespace.exec('writer', 'dd', 'if=/dev/urandom', 'of=/data/file', 'bs=1M', 'count=8');
  const written = (await namespace.exec('writer', 'sha256sum', '/data/file')).split(' ')[0];
  const image = await loligo.imageOf(namespace, 'data');
  await namespace.kubectl('delete', 'pod', 'writer');
  await loligo.untilUnused(image);

  assert.deepEqual(await loligo.pool.images(), [image]);
  assert.equal(await checksumInImage(loligo.pool, image, '/file'), written);
  await namespace.kubectl('delete', 'pvc', 'data');
  await loligo.untilEmpty();
});

test('the image of a claim tells whose it is', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.apply(claim('data'));
  await namespace.untilBound('data');
  const image = await loligo.imageOf(namespace, 'data');

  const record = JSON.parse((await loligo.metadataOf(image, 'loligo.volume')) ?? '{}') as {
    labels: Readonly<Record<string, string>>;
  };

  assert.equal(image, await namespace.field('pvc/data', '{.spec.volumeName}'));
  assert.deepEqual(record.labels, {
    'pvc/name': 'data',
    'pvc/namespace': namespace.name,
    'pv/name': image,
    'pv/accessModes': 'ReadWriteOnce',
    'pv/volumeMode': 'Filesystem',
  });
});

test('a class that waits makes the image when the first pod comes', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.apply(claim('data', { class: 'loligo-wait' }));
  await namespace.untilEvent('pvc/data', /WaitForFirstConsumer/);
  assert.deepEqual(await loligo.pool.images(), []);

  await namespace.start(pod('writer', { node: 'node2', claims: { '/data': 'data' } }));

  assert.deepEqual(await loligo.pool.images(), [await loligo.imageOf(namespace, 'data')]);
});

test('where nodes have topology the scheduler knows the room in the pool, and keeps back a pod that does not fit', {
  timeout: 400_000,
}, async () => {
  const defaults = await loligo.defaults();
  const node = { ...(defaults['node'] as object), topologyLabels: [ZONE] };
  await using namespace = await kube.freshNamespace();
  await kube.kubectl('label', 'node', 'node1', `${ZONE}=a`);
  await kube.kubectl('label', 'node', 'node2', `${ZONE}=b`);
  try {
    await loligo.upgrade({ ...defaults, node });
    const capacities = async (): Promise<readonly Capacity[] | false> => {
      const all = await kube.list<Capacity>('csistoragecapacities', loligo.namespace);
      return all.length === 2 && all;
    };
    const known = await kube.until(capacities, { what: 'there is a capacity for each zone', timeout: 120_000 });
    const { pools } = (await kube.ceph.cephJson('df')) as { pools: { name: string; stats: { max_avail: number } }[] }; // the shape of `ceph df`
    const room = pools.find(({ name }) => name === loligo.pool.name)?.stats.max_avail ?? 0;

    await namespace.apply([
      claim('huge', { class: 'loligo-wait', size: '900Gi' }),
      pod('hopeless', { claims: { '/data': 'huge' } }),
      claim('data', { class: 'loligo-wait' }),
      pod('writer', { node: 'node1', claims: { '/data': 'data' } }),
    ]);
    await namespace.untilEvent('pod/hopeless', /did not have enough free storage/);
    await namespace.untilReady('writer');

    for (const { capacity, storageClassName, nodeTopology } of known) {
      assert.equal(storageClassName, 'loligo-wait');
      assert.ok(Math.abs(bytesOf(capacity) - room) < room / 20, `${capacity}, and the pool has ${room}`);
      assert.match(nodeTopology?.matchLabels?.[ZONE] ?? '', /^[ab]$/);
    }
  } finally {
    await loligo.upgrade(defaults);
    await kube.kubectl('label', 'node', 'node1', 'node2', `${ZONE}-`);
  }
});

test('an image that somebody else made is adopted, used through a PersistentVolume, and kept when that goes', async () => {
  await using namespace = await kube.freshNamespace();
  const image = `legacy-${namespace.name}`;
  const handle = `prod/${loligo.pool.name}/${image}`;
  await loligo.pool.rbd('create', '--size', '64M', image);
  await loligo.command('volume', 'adopt', handle);
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: image },
    spec: {
      capacity: { storage: '64Mi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'loligo',
      csi: { driver: DRIVER, volumeHandle: handle, fsType: 'ext4' },
    },
  };
  const bound = claim('data') as { spec: object };

  await namespace.start(
    volume,
    { ...bound, spec: { ...bound.spec, volumeName: image } },
    pod('writer', { claims: { '/data': 'data' } }),
  );
  await namespace.exec('writer', 'sh', '-c', 'echo adopted > /data/file && sync');
  const written = (await namespace.exec('writer', 'sha256sum', '/data/file')).split(' ')[0];
  await namespace.kubectl('delete', 'pod', 'writer');
  await loligo.untilUnused(image);
  await namespace.kubectl('delete', 'pvc', 'data');
  await kube.remove(volume);

  assert.equal(await checksumInImage(loligo.pool, image, '/file'), written);
  await loligo.pool.rbd('rm', '--no-progress', image);
});

interface Capacity {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly capacity: string;
  readonly storageClassName: string;
  readonly nodeTopology?: { readonly matchLabels?: Readonly<Record<string, string>> };
}

/** Of a Kubernetes quantity as the provisioner writes it. */
function bytesOf(quantity: string): number {
  const [, digits = '', unit = ''] = /^(\d+)([KMGT]i)?$/.exec(quantity) ?? [];
  return Number(digits) * 2 ** (10 * ['', 'Ki', 'Mi', 'Gi', 'Ti'].indexOf(unit));
}
