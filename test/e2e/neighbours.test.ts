/** What programs beside Loligo do with its volumes (docs/neighbours.md), done here with the objects that they make. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIVER } from '../support/kubernetes/loligo.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { sharedLoligo } from '../support/kubernetes/shared-loligo.ts';

const DISK = '/dev/xvda';
const SNAPSHOTS = 'snapshot.storage.k8s.io';

const { kube, loligo } = await sharedLoligo();

/** A snapshot that is there already, for another namespace: content and VolumeSnapshot name each other. */
function handedOver(name: string, namespace: string, snapshotHandle: string): readonly object[] {
  const content = `${name}-${namespace}`;
  return [
    {
      apiVersion: `${SNAPSHOTS}/v1`,
      kind: 'VolumeSnapshotContent',
      metadata: { name: content },
      spec: {
        driver: DRIVER,
        deletionPolicy: 'Delete',
        volumeSnapshotClassName: 'loligo',
        source: { snapshotHandle },
        volumeSnapshotRef: { name, namespace },
      },
    },
    {
      apiVersion: `${SNAPSHOTS}/v1`,
      kind: 'VolumeSnapshot',
      metadata: { name, namespace },
      spec: { volumeSnapshotClassName: 'loligo', source: { volumeSnapshotContentName: content } },
    },
  ];
}

test("Velero's data mover: a snapshot is handed over to another namespace and read there by a read-only claim, then all goes", async () => {
  await using app = await kube.freshNamespace();
  await using velero = await kube.freshNamespace();
  await app.start(claim('data'), pod('writer', { claims: { '/data': 'data' } }));
  await app.exec('writer', 'sh', '-c', 'echo backed up > /data/file && sync');
  await app.takeSnapshot('then', 'data');
  await app.exec('writer', 'sh', '-c', 'echo later > /data/file && sync');
  const content = await app.field('volumesnapshot/then', '{.status.boundVolumeSnapshotContentName}');
  const handle = await kube.kubectl('get', 'volumesnapshotcontent', content, '--output=jsonpath={.status.snapshotHandle}');

  // Kept in Ceph while its objects are replaced by those of Velero's namespace.
  const keep = JSON.stringify({ spec: { deletionPolicy: 'Retain' } });
  await kube.kubectl('patch', 'volumesnapshotcontent', content, '--type=merge', '--patch', keep);
  await app.kubectl('delete', 'volumesnapshot', 'then');
  await kube.kubectl('delete', 'volumesnapshotcontent', content, '--ignore-not-found');
  await kube.apply(handedOver('then', velero.name, handle));
  await velero.untilUsable('volumesnapshot/then');
  await velero.start(
    claim('backup', { source: { snapshot: 'then' }, access: 'ReadOnlyMany' }),
    pod('mover', { claims: { '/data': 'backup' }, readOnly: true }),
  );

  assert.equal(await velero.exec('mover', 'cat', '/data/file'), 'backed up\n');
  await assert.rejects(velero.exec('mover', 'touch', '/data/other'), /Read-only file system/);
  const image = await loligo.imageOf(app, 'data');
  for (const object of ['pod/mover', 'pvc/backup', 'volumesnapshot/then']) await velero.kubectl('delete', object);
  const single = async (): Promise<boolean> =>
    (await loligo.pool.images()).length === 1 && (await loligo.pool.rbd('snap', 'ls', image)) === '';
  await kube.until(single, { what: 'the backup claim and the snapshot are gone from Ceph' });
  assert.equal(await app.exec('writer', 'cat', '/data/file'), 'later\n');
});

test("KubeVirt: a disk is cloned from a golden image's snapshot, and goes from node to node while both have it", async () => {
  await using namespace = await kube.freshNamespace();
  const machine = (name: string, node: string): object => pod(name, { node, claims: { [DISK]: 'disk' } });
  const write = (name: string, text: string, block: number): Promise<string> =>
    namespace.exec(name, 'sh', '-c', `echo ${text} | dd of=${DISK} bs=512 seek=${block} conv=notrunc,fsync 2>/dev/null`);
  const read = (name: string, block: number): Promise<string> =>
    namespace.exec(
      name,
      'sh',
      '-c',
      `blockdev --flushbufs ${DISK}; dd if=${DISK} bs=512 skip=${block} count=1 2>/dev/null | head -n 1`,
    );
  await namespace.start(claim('golden', { mode: 'Block', size: '16Mi' }), pod('importer', { claims: { [DISK]: 'golden' } }));
  await write('importer', 'golden', 0);
  await namespace.kubectl('delete', 'pod', 'importer');
  await namespace.takeSnapshot('golden', 'golden');

  await namespace.start(
    claim('disk', { mode: 'Block', access: 'ReadWriteMany', size: '32Mi', source: { snapshot: 'golden' } }),
    machine('source', 'node1'),
  );
  await write('source', 'before', 100);
  await namespace.start(machine('target', 'node2')); // both have the disk, as in a live migration
  await write('source', 'last', 200);
  await namespace.kubectl('delete', 'pod', 'source');
  await write('target', 'after', 300);

  const blocks = [0, 100, 200, 300];
  const seen = await Promise.all(blocks.map((block) => read('target', block)));
  assert.deepEqual(
    seen.map((text) => text.trim()),
    ['golden', 'before', 'last', 'after'],
  );
  assert.equal(Number(await namespace.exec('target', 'blockdev', '--getsize64', DISK)), 32 * 2 ** 20);
});
