/** `loligo recover`: what a real pool holds, built in a Kubernetes that has lost it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { formatFacts } from '../../src/operator/objects/index.ts';
import { aDriver, VOLUME } from '../cli/shell.ts';
import type { Driver } from '../support/driver.ts';
import { ApiServer } from '../support/kubernetes/api-server.ts';
import { startBinders } from '../support/kubernetes/binders.ts';
import { until } from '../support/kubernetes/waiting.ts';
import { ProgramError, runProgram, type TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const ROOT = join(import.meta.dirname, '../..');
const NAMES = 'csi.storage.k8s.io/';
let api: ApiServer;
let binders: AsyncDisposable;

before(async () => {
  api = await ApiServer.start();
  for (const kind of ['volumesnapshots', 'volumesnapshotcontents']) {
    await api.kubectl('apply', '--filename', join(ROOT, `charts/loligo/crds/snapshot.storage.k8s.io_${kind}.yaml`));
  }
  binders = await startBinders(api);
});

after(async () => {
  await binders?.[Symbol.asyncDispose]();
  await api?.[Symbol.asyncDispose]();
});

test('an empty cluster gets its claims, volumes and snapshots back, and what nobody can vouch for is named', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using driver = await aDriver();
  const data = await provision(driver, pool, 'pvc-data', { claim: 'data' });
  const written = await provision(driver, pool, 'pvc-written', { claim: 'written' });
  const evil = await provision(driver, pool, 'pvc-evil', { claim: 'evil' });
  await driver.csi.call('CreateVolume', { name: 'by-hand', parameters: placeOf(pool), ...VOLUME });
  await snapshot(driver, data, 'snapshot-1');
  const facts = {
    from: 'a cluster that is gone',
    volume: 'pv-written',
    class: 'gold',
    modes: ['ReadWriteOnce'],
    block: false,
    fs: 'xfs',
    reclaim: 'Delete',
  } as const;
  const claim = { namespace: 'web', name: 'written', labels: { app: 'web' } };
  await keep(pool, 'pvc-written', formatFacts('pvc-written', { ...facts, claim }));
  await keep(
    pool,
    'pvc-evil',
    formatFacts('pvc-evil', { ...facts, volume: 'pv-evil', claim: { ...claim, namespace: 'kube-system' } }),
  );
  const gold = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'gold' },
    provisioner: 'rbd.csi.loligo.dev',
  };
  await api.apply(gold);

  const planned = await recover(driver, pool, '--dry-run');
  const before = await api.kubectl('get', 'pv,pvc,volumesnapshots', '--all-namespaces', '--output', 'name');
  const built = await recover(driver, pool);
  const bound = async (): Promise<string> =>
    await api.kubectl('get', 'pvc', '--namespace', 'web', '--output', 'jsonpath={.items[*].status.phase}');
  await until(async () => (await bound()) === 'Bound Bound', { what: 'the claims are bound', timeout: 60_000 });
  const again = await recover(driver, pool);

  assert.equal(before, '');
  assert.equal(planned.code, 3);
  assert.match(
    planned.text,
    new RegExp(`^build {4}${data} as web/data\n {11}Namespace web\n {11}PersistentVolume pvc-data\n`, 'm'),
  );
  assert.match(planned.text, /VolumeSnapshotContent snapcontent-1\n {11}VolumeSnapshot web\/daily\n/);
  assert.match(
    planned.text,
    new RegExp(`^refused {2}${evil}: claim\\.namespace: nothing may be built in namespace kube-system$`, 'm'),
  );
  assert.match(planned.text, /^refused {2}.*\/by-hand: \(all\): nothing was written down with it$/m);
  assert.match(built.text, new RegExp(`^built {4}${data}: 5 objects$`, 'm'));
  assert.match(again.text, new RegExp(`^there {4}${written} as web/written$`, 'm'));
  assert.match(again.text, /^there is nothing to build$/m);
  const shown = await api.kubectl(
    'get',
    'pv',
    '--output',
    'jsonpath={range .items[*]}{.metadata.name} {.spec.csi.volumeHandle} {.spec.csi.fsType} {.spec.storageClassName} {.spec.persistentVolumeReclaimPolicy}{"\\n"}{end}',
  );
  assert.deepEqual(shown.trimEnd().split('\n'), [`pv-written ${written} xfs gold Retain`, `pvc-data ${data}   Retain`]);
  assert.equal(
    await api.kubectl('get', 'pvc', 'written', '--namespace', 'web', '--output', 'jsonpath={.metadata.labels.app}'),
    'web',
  );
  const content = await api.kubectl(
    'get',
    'volumesnapshotcontent',
    'snapcontent-1',
    '--output',
    'jsonpath={.spec.source.snapshotHandle} {.spec.deletionPolicy}',
  );
  assert.equal(content, `${data}@snapshot-1 Retain`);
});

function placeOf({ place }: TestPool): Readonly<Record<string, string>> {
  return { cluster: 'prod', pool: place.pool, namespace: place.namespace };
}

/** As the provisioner asks for it, with the names that it adds. */
async function provision(driver: Driver, pool: TestPool, name: string, { claim }: { readonly claim: string }): Promise<string> {
  const names = { [`${NAMES}pv/name`]: name, [`${NAMES}pvc/name`]: claim, [`${NAMES}pvc/namespace`]: 'web' };
  await driver.csi.call('CreateVolume', { name, parameters: { ...placeOf(pool), ...names }, ...VOLUME });
  return `prod/${pool.spec}/${name}`;
}

async function snapshot(driver: Driver, sourceVolumeId: string, name: string): Promise<void> {
  const names = {
    'volumesnapshot/name': 'daily',
    'volumesnapshot/namespace': 'web',
    'volumesnapshotcontent/name': 'snapcontent-1',
  };
  const parameters = Object.fromEntries(Object.entries(names).map(([key, value]) => [`${NAMES}${key}`, value]));
  await driver.csi.call('CreateSnapshot', { name, sourceVolumeId, parameters });
}

async function keep(pool: TestPool, image: string, text: string): Promise<void> {
  await pool.rbd('image-meta', 'set', image, 'loligo.kubernetes', text);
}

async function recover(
  driver: Driver,
  pool: TestPool,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly text: string }> {
  const options = ['--pool', pool.spec, '--clusters', join(driver.dir, 'clusters.json'), ...args];
  const env = { KUBECONFIG: api.kubeconfig(), NO_PROXY: '*' };
  try {
    return { code: 0, text: await runProgram(process.execPath, [join(ROOT, 'src/bin/loligo.ts'), 'recover', ...options], { env }) };
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    assert.equal(error.stderr, '');
    return { code: Number(error.code ?? 0), text: error.stdout };
  }
}
