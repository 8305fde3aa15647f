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
  for (const kube of [east, west]) await prepare(kube, pool, { namespace: 'shop', storageClass: 'gold' });
  for (const name of ['data', 'evil']) await east.api.apply(claim('shop', name, 'gold'));
  for (const name of ['data', 'evil'])
    await east.until(`${name} is bound`, async () => (await phaseOf(east, name, 'shop')) === 'Bound');
  await east.api.apply(snapshot('shop', 'daily', 'data'));
  await east.until('the snapshot is ready', () => isReady(east, 'shop'));
  const image = await handleOf(east, 'data', 'shop');
  const evil = await handleOf(east, 'evil', 'shop');
  const [written, snapshotHandle] = [await writeAt(pool, 'east', image), await snapshotHandleOf(east)];
  for (const kube of [east, west]) await kube.api.apply(policy(pool));
  await east.until('both volumes are safe', () => isSafe(east, pool, '2/2'));
  await east.until(
    'the facts are written',
    async () => (await condition(east, pool)) === 'True InSync' && (await factsAt(pool, 'east', evil)) !== '',
  );
  // Somebody who can write to that Ceph tries to get into another namespace, with another Secret.
  const bad = {
    ...(JSON.parse(await factsAt(pool, 'east', evil)) as object),
    from: 'elsewhere',
    claim: { namespace: 'kube-system', name: 'evil', labels: {} },
  };
  await pool.east.ceph.rbd('image-meta', 'set', imageOf(evil), 'loligo.kubernetes', JSON.stringify(bad));

  const begun = Date.now();
  await move([east, west], pool, { to: 'west', epoch: 2 });
  await west.until('data is bound', async () => (await phaseOf(west, 'data', 'shop')) === 'Bound');
  t.diagnostic(`the claim was bound at west ${((Date.now() - begun) / 1000).toFixed(1)} s after the move was asked for`);
  await west.until('the snapshot is ready', () => isReady(west, 'shop'));
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
  await west.until('west is settled', () => isSafe(west, pool, '2/2'));
  await move([east, west], pool, { to: 'east', epoch: 3 });
  await east.until('data is bound again', async () => (await phaseOf(east, 'data', 'shop')) === 'Bound');
  await east.until('the snapshot is ready again', () => isReady(east, 'shop'));
  assert.equal(await handleOf(east, 'data', 'shop'), image);
  assert.equal(await snapshotHandleOf(east), snapshotHandle);
  assert.equal(await pool.east.pool.checksum(nameOf(image)), writtenThere);
  assert.equal(await at(east, '.spec.persistentVolumeReclaimPolicy'), 'Retain');
  for (const kube of [east, west]) await kube.api.kubectl('delete', 'mp', pool.name, '--timeout=60s');
});

test('one Kubernetes for both sites keeps its objects through a move, and goes on writing down what becomes of them', async () => {
  await using pool = await bed.mirror.freshPool();
  const { east, west } = bed;
  await prepare(east, pool, { namespace: 'alone', storageClass: 'alone' });
  await east.api.apply(claim('alone', 'data', 'alone'));
  await east.until('data is bound', async () => (await phaseOf(east, 'data', 'alone')) === 'Bound');
  const handle = await handleOf(east, 'data', 'alone');
  await east.api.apply(policy(pool, { objects: { labels: ['tier'] } }));
  await east.until('it is safe', () => isSafe(east, pool, '1/1'));

  await move([east], pool, { to: 'west', epoch: 2 });
  await east.until('it is primary at west', async () => (await east.read('mp', pool.name, '.status.epoch')) === '2');
  await east.api.kubectl('label', 'pvc', 'data', '--namespace', 'alone', 'tier=two');
  const isWritten = async (): Promise<boolean> => (await factsAt(pool, 'west', handle)).includes('"tier":"two"');
  await east.until('the label is written down at west', isWritten, 60);

  assert.equal(await phaseOf(east, 'data', 'alone'), 'Bound');
  assert.equal(await handleOf(east, 'data', 'alone'), handle);
  assert.equal(await condition(east, pool), 'True OtherSite');
  assert.equal(await west.api.kubectl('get', 'pvc', '--namespace', 'alone', '--output', 'name'), '');
  await east.api.kubectl('delete', 'mp', pool.name, '--timeout=60s');
});

test('a site is lost: its claims are built at the other one after the forced move, under the names that they have there', async (t) => {
  await using pool = await bed.mirror.freshPool();
  const { east, west } = bed;
  await prepare(east, pool, { namespace: 'orders', storageClass: 'fast' });
  await prepare(west, pool, { namespace: 'orders-dr', storageClass: 'slow' });
  await east.api.apply(claim('orders', 'data', 'fast'));
  await east.until('data is bound', async () => (await phaseOf(east, 'data', 'orders')) === 'Bound');
  const handle = await handleOf(east, 'data', 'orders');
  const written = await writeAt(pool, 'east', handle);
  await east.api.apply(snapshot('orders', 'daily', 'data'));
  await east.until('the snapshot is ready', () => isReady(east, 'orders'));
  const maps = [{ site: 'west', namespaces: { orders: 'orders-dr' }, storageClasses: { fast: 'slow' } }];
  for (const kube of [east, west]) await kube.api.apply(policy(pool, { objects: { maps } }));
  await east.until('the facts are written', async () => (await factsAt(pool, 'east', handle)) !== '');
  await west.until('all is at west', async () => (await factsAt(pool, 'west', handle)) !== '' && (await isSafe(west, pool, '1/1')));
  await until(async () => (await pool.west.pool.checksum(nameOf(handle))) === written, { what: 'it is copied', timeout: 60_000 });

  await using lost = bed.mirror.east.freeze();
  const begun = Date.now();
  const accepted = { primarySite: 'west', epoch: 2, acceptDataLoss: { epoch: 2, upTo: '10m' } };
  await west.api.kubectl('patch', 'mp', pool.name, '--type=merge', '--patch', JSON.stringify({ spec: accepted }));
  await west.until('data is bound', async () => (await phaseOf(west, 'data', 'orders-dr')) === 'Bound', 180);
  t.diagnostic(`the claim was bound at west ${((Date.now() - begun) / 1000).toFixed(1)} s after the loss was accepted`);
  await west.until('the snapshot is ready', () => isReady(west, 'orders-dr'));
  const found = [await handleOf(west, 'data', 'orders-dr'), await pool.west.pool.checksum(nameOf(handle))];
  const storageClass = await west.read('pvc', 'data', '.spec.storageClassName', 'orders-dr');
  await lost[Symbol.asyncDispose]();

  assert.deepEqual([...found, storageClass], [handle, written, 'slow']);
});

/** A namespace, a class and a snapshot class, as an administrator makes them. */
async function prepare(
  { api }: SiteKube,
  pool: MirrorPool,
  { namespace, storageClass }: { readonly namespace: string; readonly storageClass: string },
): Promise<void> {
  await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { dr: 'gold' } } });
  const parameters = { cluster: 'prod', pool: pool.name };
  await api.apply({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: storageClass },
    provisioner: DRIVER,
    parameters,
  });
  const snapshots = { apiVersion: 'snapshot.storage.k8s.io/v1', kind: 'VolumeSnapshotClass', metadata: { name: 'gold' } };
  await api.apply({ ...snapshots, driver: DRIVER, deletionPolicy: 'Delete' });
}

function claim(namespace: string, name: string, storageClassName: string): object {
  const spec = { storageClassName, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '32Mi' } } };
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

function policy(pool: MirrorPool, spec: object = {}): object {
  const volumes = { pools: [pool.name], namespaces: { matchLabels: { dr: 'gold' } }, claims: { matchLabels: { dr: 'gold' } } };
  return aPolicy(pool.name, { volumes, interval: '5s', rpo: '1m', ...spec });
}

async function move(
  kubes: readonly SiteKube[],
  pool: MirrorPool,
  { to, epoch }: { readonly to: string; readonly epoch: number },
): Promise<void> {
  const patch = JSON.stringify({ spec: { primarySite: to, epoch } });
  for (const { api } of kubes) await api.kubectl('patch', 'mp', pool.name, '--type=merge', '--patch', patch);
}

/** `summary`: of all its volumes so many are safe. */
async function isSafe(kube: SiteKube, pool: MirrorPool, summary: string): Promise<boolean> {
  const safe = await kube.read('mp', pool.name, '.status.conditions[?(@.type=="SafeToSwitchover")].status');
  return (await kube.read('mp', pool.name, '.status.volumes.summary')) === summary && safe === 'True';
}

async function isReady(kube: SiteKube, namespace: string): Promise<boolean> {
  return (await kube.read('volumesnapshot', 'daily', '.status.readyToUse', namespace)) === 'true';
}

async function phaseOf(kube: SiteKube, claimName: string, namespace: string): Promise<string> {
  return await kube.read('pvc', claimName, '.status.phase', namespace);
}

async function condition(kube: SiteKube, pool: MirrorPool): Promise<string> {
  const found = (field: string): Promise<string> =>
    kube.read('mp', pool.name, `.status.conditions[?(@.type=="ObjectsInSync")].${field}`);
  return `${await found('status')} ${await found('reason')}`;
}

async function handleOf(kube: SiteKube, name: string, namespace: string): Promise<string> {
  return await kube.read('pv', await kube.read('pvc', name, '.spec.volumeName', namespace), '.spec.csi.volumeHandle');
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

/** What stands on an image at a site, by Ceph's own program; '' while there is none. */
async function factsAt(pool: MirrorPool, site: 'east' | 'west', handle: string): Promise<string> {
  if (!(await pool[site].pool.images()).includes(nameOf(handle))) return '';
  const all = (await pool[site].ceph.rbdJson('image-meta', 'list', imageOf(handle))) as Record<string, string>;
  return all['loligo.kubernetes'] ?? '';
}

async function writeAt(pool: MirrorPool, site: 'east' | 'west', handle: string): Promise<string> {
  const side = pool[site];
  const load = ['--io-type', 'write', '--io-size', '64K', '--io-total', '4M', '--io-pattern', 'rand'];
  await side.pool.rbd('bench', nameOf(handle), ...load);
  return await until(() => side.pool.checksum(nameOf(handle)), { what: 'the checksum', timeout: 20_000 });
}
