/** Claims and snapshots that move with their volumes between two Kubernetes, and what is deleted behind them deletes nothing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aPolicy } from '../support/kubernetes/policies.ts';
import { until } from '../support/kubernetes/waiting.ts';
import type { MirrorPool } from '../support/mirror/mirror-bed.ts';
import { type SiteKube, TwoKubes } from './site-kube.ts';

const DRIVER = 'rbd.csi.loligo.dev';
let bed: TwoKubes;
before(async () => {
  bed = await TwoKubes.start();
});
after(async () => await bed?.[Symbol.asyncDispose]());

test('claims and snapshots are at the other site after a move, bound, with the same handles, and are home again after the next', async (t) => {
  await using pool = await bed.mirror.freshPool();
  const { east, west } = bed;
  for (const kube of [east, west]) await prepare(kube, pool, 'shop');
  for (const name of ['data', 'evil']) await east.api.apply(claim('shop', name));
  for (const name of ['data', 'evil'])
    await east.until(`${name} is bound`, async () => (await east.read('pvc', name, '.status.phase', 'shop')) === 'Bound');
  await east.api.apply(snapshot('shop', 'daily', 'data'));
  const isReady = (kube: SiteKube): Promise<boolean> =>
    kube.read('volumesnapshot', 'daily', '.status.readyToUse', 'shop').then((ready) => ready === 'true');
  await east.until('the snapshot is ready', () => isReady(east));
  const image = await handleOf(east, 'data');
  const evil = await handleOf(east, 'evil');
  const [written, snapshotHandle] = [await write(pool, image), await snapshotHandleOf(east)];
  for (const kube of [east, west]) await kube.api.apply(policy(pool));
  await east.until('both volumes are safe', () => isSafe(east, pool));
  await east.until(
    'the facts are written',
    async () => (await condition(east, pool)) === 'True InSync' && (await facts(pool, evil)) !== '',
  );
  // Somebody who can write to that Ceph tries to get into another namespace, with another Secret.
  const bad = {
    ...(JSON.parse(await facts(pool, evil)) as object),
    from: 'elsewhere',
    claim: { namespace: 'kube-system', name: 'evil', labels: {} },
  };
  await pool.east.ceph.rbd('image-meta', 'set', imageOf(evil), 'loligo.kubernetes', JSON.stringify(bad));

  const begun = Date.now();
  await move(pool, 'west', 2);
  await west.until('data is bound', async () => (await west.read('pvc', 'data', '.status.phase', 'shop')) === 'Bound');
  t.diagnostic(`the claim was bound at west ${((Date.now() - begun) / 1000).toFixed(1)} s after the move was asked for`);
  await west.until('the snapshot is ready', () => isReady(west));
  await west.until('what is refused is said', async () => (await condition(west, pool)) === 'False Refused', 60);

  const pv = await west.read('pvc', 'data', '.spec.volumeName', 'shop');
  const at = (kube: SiteKube, path: string): Promise<string> => kube.read('pv', pv, path);
  assert.equal(await at(west, '.spec.csi.volumeHandle'), image);
  assert.equal(await at(west, '.spec.persistentVolumeReclaimPolicy'), 'Retain');
  assert.equal(await at(west, '.spec.storageClassName'), 'gold');
  assert.equal(await west.read('pvc', 'data', '.metadata.labels.dr', 'shop'), 'gold');
  assert.equal(await snapshotHandleOf(west), snapshotHandle);
  assert.equal(await pool.west.pool.checksum(nameOf(image)), written);
  assert.equal(await west.read('pvc', 'evil', '.metadata.name', 'kube-system'), '');
  assert.equal(await west.api.kubectl('get', 'pv', '--output', 'jsonpath={.items[*].metadata.name}'), pv);
  const events = await west.api.kubectl(
    'get',
    'events',
    '--output',
    'jsonpath={range .items[?(@.reason=="ObjectRefused")]}{.message}{"\\n"}{end}',
  );
  assert.match(events, new RegExp(`^${evil}: claim\\.namespace: nothing may be built in namespace kube-system`));

  // At the old site everything is deleted, with the reclaim policy Delete.
  assert.equal(await at(east, '.spec.persistentVolumeReclaimPolicy'), 'Delete');
  await east.api.kubectl('delete', 'volumesnapshot', 'daily', '--namespace', 'shop', '--timeout=60s');
  await east.api.kubectl('delete', 'pvc', 'data', '--namespace', 'shop', '--timeout=60s');
  await east.until(
    'the volume and the content are gone',
    async () =>
      (await east.api.kubectl('get', 'pv,volumesnapshotcontents', '--output', 'name'))
        .split('\n')
        .filter((one) => one.includes(pv) || one.includes('snapcontent')).length === 0,
  );
  for (const side of [pool.east, pool.west]) {
    assert.ok((await side.pool.images()).includes(nameOf(image)), `the image is gone at ${side.name}`);
    assert.match(await side.pool.rbd('snap', 'ls', nameOf(image)), new RegExp(snapshotHandle.split('@')[1] ?? 'none'));
  }

  const writtenThere = await writeAt(pool, 'west', image);
  await west.until('west is settled', () => isSafe(west, pool));
  await move(pool, 'east', 3);
  await east.until('data is bound again', async () => (await east.read('pvc', 'data', '.status.phase', 'shop')) === 'Bound');
  await east.until('the snapshot is ready again', () => isReady(east));
  assert.equal(await handleOf(east, 'data'), image);
  assert.equal(await snapshotHandleOf(east), snapshotHandle);
  assert.equal(await pool.east.pool.checksum(nameOf(image)), writtenThere);
  assert.equal(await at(east, '.spec.persistentVolumeReclaimPolicy'), 'Retain');
  for (const kube of [east, west]) await kube.api.kubectl('delete', 'mp', pool.name, '--timeout=60s');
});

/** A namespace, a class and a snapshot class, as an administrator makes them. */
async function prepare({ api }: SiteKube, pool: MirrorPool, namespace: string): Promise<void> {
  await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { dr: 'gold' } } });
  const parameters = { cluster: 'prod', pool: pool.name };
  await api.apply({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'gold' },
    provisioner: DRIVER,
    parameters,
  });
  const snapshots = { apiVersion: 'snapshot.storage.k8s.io/v1', kind: 'VolumeSnapshotClass', metadata: { name: 'gold' } };
  await api.apply({ ...snapshots, driver: DRIVER, deletionPolicy: 'Delete' });
}

function claim(namespace: string, name: string): object {
  const spec = { storageClassName: 'gold', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '32Mi' } } };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace, labels: { dr: 'gold', other: 'stays' } },
    spec,
  };
}

function snapshot(namespace: string, name: string, of: string): object {
  const spec = { volumeSnapshotClassName: 'gold', source: { persistentVolumeClaimName: of } };
  return { apiVersion: 'snapshot.storage.k8s.io/v1', kind: 'VolumeSnapshot', metadata: { name, namespace }, spec };
}

function policy(pool: MirrorPool): object {
  const volumes = { pools: [pool.name], namespaces: { matchLabels: { dr: 'gold' } }, claims: { matchLabels: { dr: 'gold' } } };
  return aPolicy(pool.name, { volumes, interval: '5s', rpo: '1m' });
}

async function move(pool: MirrorPool, primarySite: string, epoch: number): Promise<void> {
  const patch = JSON.stringify({ spec: { primarySite, epoch } });
  for (const { api } of [bed.east, bed.west]) await api.kubectl('patch', 'mp', pool.name, '--type=merge', '--patch', patch);
}

async function isSafe(kube: SiteKube, pool: MirrorPool): Promise<boolean> {
  const summary = await kube.read('mp', pool.name, '.status.volumes.summary');
  const safe = await kube.read('mp', pool.name, '.status.conditions[?(@.type=="SafeToSwitchover")].status');
  return summary === '2/2' && safe === 'True';
}

async function condition(kube: SiteKube, pool: MirrorPool): Promise<string> {
  const found = (field: string): Promise<string> =>
    kube.read('mp', pool.name, `.status.conditions[?(@.type=="ObjectsInSync")].${field}`);
  return `${await found('status')} ${await found('reason')}`;
}

async function handleOf(kube: SiteKube, name: string): Promise<string> {
  return await kube.read('pv', await kube.read('pvc', name, '.spec.volumeName', 'shop'), '.spec.csi.volumeHandle');
}

async function snapshotHandleOf(kube: SiteKube): Promise<string> {
  const content = await kube.read('volumesnapshot', 'daily', '.status.boundVolumeSnapshotContentName', 'shop');
  return await kube.read('volumesnapshotcontent', content, '.status.snapshotHandle');
}

function imageOf(handle: string): string {
  return handle.split('/').slice(1).join('/');
}

function nameOf(handle: string): string {
  return handle.split('/').at(-1) ?? '';
}

/** What stands on an image at east, by Ceph's own program. */
async function facts(pool: MirrorPool, handle: string): Promise<string> {
  const all = (await pool.east.ceph.rbdJson('image-meta', 'list', imageOf(handle))) as Record<string, string>;
  return all['loligo.kubernetes'] ?? '';
}

async function write(pool: MirrorPool, handle: string): Promise<string> {
  return await writeAt(pool, 'east', handle);
}

async function writeAt(pool: MirrorPool, site: 'east' | 'west', handle: string): Promise<string> {
  const side = pool[site];
  await side.pool.rbd(
    'bench',
    nameOf(handle),
    '--io-type',
    'write',
    '--io-size',
    '64K',
    '--io-total',
    '4M',
    '--io-pattern',
    'rand',
  );
  return await until(() => side.pool.checksum(nameOf(handle)), { what: 'the checksum', timeout: 20_000 });
}
