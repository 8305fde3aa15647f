/** Copies of a volume: clones, snapshots, restores, and many readers of one snapshot. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Loligo } from '../support/kubernetes/loligo.ts';
import { claim, pod, snapshot } from '../support/kubernetes/objects.ts';
import { sharedKube } from '../support/kubernetes/shared-kube.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';

const kube = sharedKube();
const loligo = await Loligo.install(kube);

after(() => loligo.untilEmpty());

/** A claim `data`, a pod `writer` that has it at /data, and a file in it; gives the file's checksum. */
async function writeData(namespace: TestNamespace): Promise<string> {
  await namespace.apply([claim('data'), pod('writer', { claims: { '/data': 'data' } })]);
  await namespace.untilReady('writer');
  await namespace.exec('writer', 'sh', '-c', 'dd if=/dev/urandom of=/data/file bs=1M count=4 && sync');
  return checksum(namespace, 'writer');
}

async function checksum(namespace: TestNamespace, name: string): Promise<string> {
  return (await namespace.exec(name, 'sha256sum', '/data/file')).split(' ')[0] ?? '';
}

async function takeSnapshot(namespace: TestNamespace, name: string, ofClaim: string): Promise<void> {
  await namespace.apply(snapshot(name, ofClaim));
  const usable = async (): Promise<boolean> => (await namespace.field(`volumesnapshot/${name}`, '{.status.readyToUse}')) === 'true';
  await namespace.until(usable, { what: `volumesnapshot/${name} is ready to use` });
}

/** Size of the file system that a pod has at /data, in KiB. */
async function fileSystemSize(namespace: TestNamespace, name: string): Promise<number> {
  return Number(await namespace.exec(name, 'sh', '-c', "df -k /data | awk 'END { print $2 }'"));
}

test('a clone starts as its source and goes its own way', async () => {
  await using namespace = await kube.freshNamespace();
  const written = await writeData(namespace);

  await namespace.apply([claim('copy', { source: { claim: 'data' } }), pod('reader', { claims: { '/data': 'copy' } })]);
  await namespace.untilReady('reader');
  const copied = await checksum(namespace, 'reader');
  await namespace.exec('reader', 'sh', '-c', 'echo changed > /data/file && sync');

  assert.equal(copied, written);
  assert.equal(await checksum(namespace, 'writer'), written);
  assert.equal((await loligo.pool.images()).length, 2);
});

test('a snapshot keeps what was there, and restores it, also to a larger volume whose file system fills it', async () => {
  await using namespace = await kube.freshNamespace();
  const written = await writeData(namespace);
  await takeSnapshot(namespace, 'before', 'data');
  await namespace.exec('writer', 'sh', '-c', 'echo overwritten > /data/file && sync');
  const from = { source: { snapshot: 'before' } } as const;

  await namespace.apply([
    claim('same', from),
    claim('larger', { ...from, size: '256Mi' }),
    pod('same', { claims: { '/data': 'same' } }),
    pod('larger', { claims: { '/data': 'larger' } }),
  ]);
  for (const name of ['same', 'larger']) await namespace.untilReady(name);

  for (const name of ['same', 'larger']) assert.equal(await checksum(namespace, name), written);
  const [small, large] = [await fileSystemSize(namespace, 'same'), await fileSystemSize(namespace, 'larger')];
  assert.ok(small < 64 * 1024 && large > 200 * 1024, `file systems of ${small} and ${large} KiB`);
  assert.equal(await namespace.field('pvc/larger', '{.status.capacity.storage}'), '256Mi');
});

test('a restored volume outlives its snapshot and the volume that this was taken of', async () => {
  await using namespace = await kube.freshNamespace();
  const written = await writeData(namespace);
  await takeSnapshot(namespace, 'before', 'data');
  await namespace.apply([
    claim('restored', { source: { snapshot: 'before' } }),
    pod('reader', { claims: { '/data': 'restored' } }),
  ]);
  await namespace.untilReady('reader');

  await namespace.kubectl('delete', 'volumesnapshot', 'before');
  await namespace.kubectl('delete', 'pod', 'writer');
  await namespace.kubectl('delete', 'pvc', 'data');

  assert.equal(await checksum(namespace, 'reader'), written);
});

test('many pods on both nodes read one snapshot, and none can write to it', async () => {
  await using namespace = await kube.freshNamespace();
  const written = await writeData(namespace);
  await takeSnapshot(namespace, 'before', 'data');
  await namespace.exec('writer', 'sh', '-c', 'echo overwritten > /data/file && sync');
  const readers = ['node1', 'node2'].flatMap((node) => ['a', 'b'].map((letter) => ({ name: `${letter}-${node}`, node })));

  await namespace.apply([
    claim('shared', { source: { snapshot: 'before' }, access: 'ReadOnlyMany' }),
    ...readers.map(({ name, node }) => pod(name, { node, claims: { '/data': 'shared' }, readOnly: true })),
  ]);
  for (const { name } of readers) await namespace.untilReady(name);

  for (const { name } of readers) {
    assert.equal(await checksum(namespace, name), written);
    await assert.rejects(namespace.exec(name, 'touch', '/data/other'), /Read-only file system/);
  }
});

test('a group snapshot is of one moment, and each member restores', async () => {
  await using namespace = await kube.freshNamespace();
  const labelled = (name: string): object => {
    const plain = claim(name) as { metadata: object };
    return { ...plain, metadata: { ...plain.metadata, labels: { app: 'ledger' } } };
  };
  await namespace.apply([labelled('left'), labelled('right'), pod('writer', { claims: { '/left': 'left', '/data': 'right' } })]);
  await namespace.untilReady('writer');
  await namespace.exec('writer', 'sh', '-c', 'echo one > /left/file && echo one > /data/file && sync');
  const written = await checksum(namespace, 'writer');

  await namespace.apply({
    apiVersion: 'groupsnapshot.storage.k8s.io/v1',
    kind: 'VolumeGroupSnapshot',
    metadata: { name: 'both' },
    spec: { volumeGroupSnapshotClassName: 'loligo', source: { selector: { matchLabels: { app: 'ledger' } } } },
  });
  const usable = async (): Promise<boolean> =>
    (await namespace.field('volumegroupsnapshot/both', '{.status.readyToUse}')) === 'true';
  await namespace.until(usable, { what: 'the group snapshot is ready to use' });
  const members = '{range .items[*]}{.metadata.name} {.spec.source.persistentVolumeClaimName}{"\\n"}{end}';
  const pairs = (await namespace.field('volumesnapshots', members))
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const right = pairs.find(([, of]) => of === 'right')?.[0] ?? assert.fail(`no member of the claim right: ${pairs.join('; ')}`);
  await namespace.exec('writer', 'sh', '-c', 'echo two > /data/file && sync');
  await namespace.apply([claim('restored', { source: { snapshot: right } }), pod('reader', { claims: { '/data': 'restored' } })]);
  await namespace.untilReady('reader');

  assert.equal(pairs.length, 2);
  assert.equal(await checksum(namespace, 'reader'), written);
  await namespace.kubectl('delete', 'volumegroupsnapshot', 'both');
});
