/** Copies of a volume: clones, snapshots, restores, and many readers of one snapshot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claim, groupSnapshot, pod } from '../support/kubernetes/objects.ts';
import { sharedLoligo } from '../support/kubernetes/shared-loligo.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';

const { kube, loligo } = await sharedLoligo();

/** A claim `data`, a pod `writer` that has it at /data, and a file in it; gives the file's checksum. */
async function writeData(namespace: TestNamespace): Promise<string> {
  await namespace.start(claim('data'), pod('writer', { claims: { '/data': 'data' } }));
  await namespace.exec('writer', 'sh', '-c', 'dd if=/dev/urandom of=/data/file bs=1M count=4 && sync');
  return checksum(namespace, 'writer');
}

async function checksum(namespace: TestNamespace, name: string): Promise<string> {
  return (await namespace.exec(name, 'sha256sum', '/data/file')).split(' ')[0] ?? '';
}

/** Size of the file system that a pod has at /data, in KiB. */
async function fileSystemSize(namespace: TestNamespace, name: string): Promise<number> {
  return Number(await namespace.exec(name, 'sh', '-c', "df -k /data | awk 'END { print $2 }'"));
}

test('a clone starts as its source and goes its own way', async () => {
  await using namespace = await kube.freshNamespace();
  const written = await writeData(namespace);

  await namespace.start(claim('copy', { source: { claim: 'data' } }), pod('reader', { claims: { '/data': 'copy' } }));
  const copied = await checksum(namespace, 'reader');
  await namespace.exec('reader', 'sh', '-c', 'echo changed > /data/file && sync');

  assert.equal(copied, written);
  assert.equal(await checksum(namespace, 'writer'), written);
  assert.equal((await loligo.pool.images()).length, 2);
});

test('a snapshot keeps what was there, and restores it, also to a larger volume whose file system fills it', async () => {
  await using namespace = await kube.freshNamespace();
  const written = await writeData(namespace);
  await namespace.takeSnapshot('before', 'data');
  await namespace.exec('writer', 'sh', '-c', 'echo overwritten > /data/file && sync');
  const from = { source: { snapshot: 'before' } } as const;

  await namespace.start(
    claim('same', from),
    claim('larger', { ...from, size: '256Mi' }),
    pod('same', { claims: { '/data': 'same' } }),
    pod('larger', { claims: { '/data': 'larger' } }),
  );

  for (const name of ['same', 'larger']) assert.equal(await checksum(namespace, name), written);
  const [small, large] = [await fileSystemSize(namespace, 'same'), await fileSystemSize(namespace, 'larger')];
  assert.ok(small < 64 * 1024 && large > 200 * 1024, `file systems of ${small} and ${large} KiB`);
  assert.equal(await namespace.field('pvc/larger', '{.status.capacity.storage}'), '256Mi');
});

test('a restored volume outlives its snapshot and the volume that this was taken of', async () => {
  await using namespace = await kube.freshNamespace();
  const written = await writeData(namespace);
  await namespace.takeSnapshot('before', 'data');
  await namespace.start(claim('restored', { source: { snapshot: 'before' } }), pod('reader', { claims: { '/data': 'restored' } }));

  await namespace.kubectl('delete', 'volumesnapshot', 'before');
  await namespace.kubectl('delete', 'pod', 'writer');
  await namespace.kubectl('delete', 'pvc', 'data');

  assert.equal(await checksum(namespace, 'reader'), written);
});

test('many pods on both nodes read one snapshot, and none can write to it', async () => {
  await using namespace = await kube.freshNamespace();
  const written = await writeData(namespace);
  await namespace.takeSnapshot('before', 'data');
  await namespace.exec('writer', 'sh', '-c', 'echo overwritten > /data/file && sync');
  const readers = ['node1', 'node2'].flatMap((node) => ['a', 'b'].map((letter) => ({ name: `${letter}-${node}`, node })));

  await namespace.start(
    claim('shared', { source: { snapshot: 'before' }, access: 'ReadOnlyMany' }),
    ...readers.map(({ name, node }) => pod(name, { node, claims: { '/data': 'shared' }, readOnly: true })),
  );

  for (const { name } of readers) {
    assert.equal(await checksum(namespace, name), written);
    await assert.rejects(namespace.exec(name, 'touch', '/data/other'), /Read-only file system/);
  }
});

test('a group snapshot is of one moment, and each member restores', async () => {
  await using namespace = await kube.freshNamespace();
  const labels = { app: 'ledger' };
  await namespace.start(
    claim('left', { labels }),
    claim('right', { labels }),
    pod('writer', { claims: { '/left': 'left', '/data': 'right' } }),
  );
  await namespace.exec('writer', 'sh', '-c', 'echo one > /left/file && echo one > /data/file && sync');
  const written = await checksum(namespace, 'writer');

  await namespace.apply(groupSnapshot('both', labels));
  await namespace.untilUsable('volumegroupsnapshot/both');
  const members = '{range .items[*]}{.metadata.name} {.spec.source.persistentVolumeClaimName}{"\\n"}{end}';
  const pairs = (await namespace.field('volumesnapshots', members))
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const right = pairs.find(([, of]) => of === 'right')?.[0] ?? assert.fail(`no member of the claim right: ${pairs.join('; ')}`);
  await namespace.exec('writer', 'sh', '-c', 'echo two > /data/file && sync');
  await namespace.start(claim('restored', { source: { snapshot: right } }), pod('reader', { claims: { '/data': 'restored' } }));

  assert.equal(pairs.length, 2);
  assert.equal(await checksum(namespace, 'reader'), written);
  await namespace.kubectl('delete', 'volumegroupsnapshot', 'both');
});
