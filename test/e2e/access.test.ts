/** How pods may have a volume: as a raw device, from two nodes at once, alone, as long as they live, as somebody else than root. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { sharedLoligo } from '../support/kubernetes/shared-loligo.ts';

const DEVICE = '/dev/xvda';

const { kube, loligo } = await sharedLoligo();

test('a raw block volume is a device of the wanted size, and the image is what was written to it', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.start(claim('disk', { mode: 'Block', size: '16Mi' }), pod('writer', { claims: { [DEVICE]: 'disk' } }));

  const size = await namespace.exec('writer', 'blockdev', '--getsize64', DEVICE);
  await namespace.exec('writer', 'dd', 'if=/dev/urandom', `of=${DEVICE}`, 'bs=1M', 'count=16', 'conv=fsync');
  const written = (await namespace.exec('writer', 'sha256sum', DEVICE)).split(' ')[0];
  const image = await loligo.imageOf(namespace, 'disk');
  await namespace.kubectl('delete', 'pod', 'writer');
  await loligo.untilUnused(image);

  assert.equal(Number(size), 16 * 2 ** 20);
  assert.equal(await loligo.pool.checksum(image), written);
});

test('two pods on two nodes write one raw block volume at the same time, each sees what the other wrote', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.start(
    claim('disk', { mode: 'Block', access: 'ReadWriteMany', size: '16Mi' }),
    pod('one', { node: 'node1', claims: { [DEVICE]: 'disk' } }),
    pod('two', { node: 'node2', claims: { [DEVICE]: 'disk' } }),
  );
  const write = (name: string, place: number): Promise<string> =>
    namespace.exec(
      name,
      'sh',
      '-c',
      `printf 'from %-59s' ${name} | dd of=${DEVICE} bs=64 seek=${place * 16384} conv=notrunc,fsync`,
    );
  // Past the page cache of the reader's node, as programs that share a disk read.
  const read = (name: string, place: number): Promise<string> =>
    namespace.exec(
      name,
      'sh',
      '-c',
      `blockdev --flushbufs ${DEVICE}; dd if=${DEVICE} bs=64 skip=${place * 16384} count=1 2>/dev/null`,
    );

  await Promise.all([write('one', 1), write('two', 2)]);

  assert.match(await read('two', 1), /^from one /);
  assert.match(await read('one', 2), /^from two /);
});

test('a file system for many writers is refused, with the reason in an Event', async () => {
  await using namespace = await kube.freshNamespace();

  await namespace.apply(claim('shared', { access: 'ReadWriteMany' }));

  await namespace.untilEvent('pvc/shared', /ProvisioningFailed: .*[Bb]lock/);
});

test('a claim for one pod alone is given to no second one until the first is gone', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.start(claim('alone', { access: 'ReadWriteOncePod' }), pod('first', { claims: { '/data': 'alone' } }));

  await namespace.apply(pod('second', { claims: { '/data': 'alone' } }));
  await namespace.untilEvent('pod/second', /FailedScheduling: .*ReadWriteOncePod/);
  await namespace.kubectl('delete', 'pod', 'first');

  await namespace.untilReady('second', 120_000);
});

test('a generic ephemeral volume comes and goes with its pod', async () => {
  await using namespace = await kube.freshNamespace();
  const { spec } = claim('scratch') as { spec: object };
  const volumes = [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec } } }];
  const container = { volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] };

  await namespace.start(pod('worker', { spec: { volumes }, container }));
  await namespace.exec('worker', 'sh', '-c', 'echo something > /scratch/file && sync');
  const images = await loligo.pool.images();
  await namespace.kubectl('delete', 'pod', 'worker');

  assert.equal(images.length, 1);
  await loligo.untilEmpty();
});

test('a pod that is not root writes as its group, and finds its files again', async () => {
  await using namespace = await kube.freshNamespace();
  const confined = { runAsNonRoot: true, runAsUser: 1234, runAsGroup: 1234, fsGroup: 5678 };
  const writer = (name: string): object => pod(name, { claims: { '/data': 'data' }, spec: { securityContext: confined } });
  await namespace.start(claim('data'), writer('first'));

  await namespace.exec('first', 'sh', '-c', 'id -u > /data/file && sync');
  const owner = (await namespace.exec('first', 'stat', '-c', '%u %g %a', '/data/file', '/data')).trim().split('\n');
  await namespace.kubectl('delete', 'pod', 'first');
  await namespace.start(writer('second'));

  assert.match(owner[0] ?? '', /^1234 5678 /);
  assert.match(owner[1] ?? '', /^0 5678 2775$/);
  assert.equal(await namespace.exec('second', 'cat', '/data/file'), '1234\n');
});

test('mount options and options of mkfs are those of the class', async () => {
  await using namespace = await kube.freshNamespace();
  const name = `options-${namespace.name}`;
  const storageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: 'rbd.csi.loligo.dev',
    mountOptions: ['noatime', 'commit=17'],
    parameters: { cluster: 'prod', pool: loligo.pool.name, mkfsOptions: '-m 0 -L stories', 'csi.storage.k8s.io/fstype': 'ext4' },
  };
  await kube.apply(storageClass);
  try {
    await namespace.start(claim('data', { class: name }), pod('writer', { claims: { '/data': 'data' } }));

    const mounted = (await namespace.exec('writer', 'grep', ' /data ', '/proc/mounts')).split(' ');
    const options = mounted[3]?.split(',') ?? [];
    const node = await namespace.field('pod/writer', '{.spec.nodeName}');
    const made = await kube.onNode(node, 'dumpe2fs', '-h', mounted[0] ?? '');

    assert.ok(options.includes('noatime') && options.includes('commit=17'), mounted.join(' '));
    assert.match(made, /volume name:\s+stories\n/);
    assert.match(made, /Reserved block count:\s+0\n/);
  } finally {
    await kube.remove(storageClass);
  }
});
