/** The ways of docs/install.md to install, and what the chart has beside the driver: helm test, a snapshot controller, monitoring. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { renderChart } from '../../scripts/helm.ts';
import { METRICS } from '../../src/observability/metric-table.ts';
import { runProgram } from '../support/ceph/program.ts';
import { Loligo, OWN_SNAPSHOT_CONTROLLER, SIDECAR_IMAGES } from '../support/kubernetes/loligo.ts';
import { claim, groupSnapshot, pod } from '../support/kubernetes/objects.ts';
import { imageName } from '../support/kubernetes/places.ts';
import { sharedLoligo } from '../support/kubernetes/shared-loligo.ts';
import { withoutSnapshotController } from '../support/kubernetes/snapshot-controller.ts';

const MANIFESTS = resolve(import.meta.dirname, '../../manifests');
/** The operator's definitions of ServiceMonitor and PrometheusRule. */
const PROMETHEUS_OPERATOR = 'github.com/prometheus-operator/prometheus-operator@v0.85.0';
const DEFINITIONS = ['servicemonitors', 'prometheusrules'];

const { kube, loligo } = await sharedLoligo();

test('helm test is green: a volume is made, written and read back, and nothing of it stays', { timeout: 300_000 }, async () => {
  const said = await kube.helm('test', 'loligo', '--namespace', loligo.namespace, '--timeout', '3m');

  assert.match(said, /Phase: +Succeeded/);
  assert.equal(
    await kube.kubectl('get', 'pods,pvc', '-n', loligo.namespace, '-l', 'app.kubernetes.io/component=test', '-o', 'name'),
    '',
  );
  await loligo.untilEmpty();
});

test("the chart's own snapshot controller serves snapshots and group snapshots", { timeout: 600_000 }, async () => {
  const defaults = await loligo.defaults();
  await withoutSnapshotController(kube, async () => {
    await loligo.upgrade({ ...defaults, snapshots: { groups: true, controller: OWN_SNAPSHOT_CONTROLLER } });
    await using namespace = await kube.freshNamespace();
    const labels = { app: 'ledger' };
    await namespace.start(claim('data', { labels }), pod('writer', { claims: { '/data': 'data' } }));
    await namespace.exec('writer', 'sh', '-c', 'echo then > /data/file && sync');

    await namespace.takeSnapshot('then', 'data');
    await namespace.apply(groupSnapshot('all', labels));
    await namespace.untilUsable('volumegroupsnapshot/all');
    await namespace.start(claim('restored', { source: { snapshot: 'then' } }), pod('reader', { claims: { '/data': 'restored' } }));

    assert.equal(await namespace.exec('reader', 'cat', '/data/file'), 'then\n');
    assert.equal((await loligo.pods('snapshot-controller')).length, 2);
    for (const object of ['volumegroupsnapshot/all', 'volumesnapshot/then']) await namespace.kubectl('delete', object);
  });
  await loligo.upgrade(defaults);
});

test('the Services that Prometheus asks have every metric there is', async () => {
  const pages = await Promise.all(
    ['controller', 'node', 'mapper'].map((role) =>
      kube.kubectl('get', '--raw', `/api/v1/namespaces/${loligo.namespace}/services/loligo-${role}-metrics:metrics/proxy/metrics`),
    ),
  );

  const served = new Set(pages.flatMap((page) => [...page.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name)));

  assert.deepEqual(
    Object.values(METRICS).flatMap(({ name }) => (served.has(name) ? [] : [name])),
    [],
  );
});

test("an API server with the Prometheus operator's definitions takes ServiceMonitor and PrometheusRule, to the letter", async () => {
  const { Dir } = JSON.parse(await runProgram('go', ['mod', 'download', '-json', PROMETHEUS_OPERATOR], { timeout: 300_000 })) as {
    Dir: string; // of go's answer
  };
  const files = DEFINITIONS.map((name) => join(Dir, `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`));
  const settings = ['serviceMonitor', 'prometheusRule', 'dashboard'].map((name) => `--set=metrics.${name}.enabled=true`);
  const rendered = await renderChart([], ['--show-only=templates/monitoring.yaml', ...settings]);
  const strictly = ['--dry-run=server', '--validate=strict'];
  for (const file of files) await kube.kubectl('apply', '--server-side', '--filename', file);
  try {
    await kube.kubectl('wait', '--for=condition=Established', ...DEFINITIONS.map((name) => `crd/${name}.monitoring.coreos.com`));

    await kube.apply(rendered, ...strictly);

    await assert.rejects(kube.apply(rendered.replace('interval:', 'intervall:'), ...strictly), /unknown field.*intervall/);
    await assert.rejects(kube.apply(rendered.replace('- alert:', '- alarm:'), ...strictly), /unknown field.*alarm/);
  } finally {
    for (const file of files) await kube.kubectl('delete', '--filename', file);
  }
});

test('kubectl apply -k manifests/ with a Secret made by hand serves a claim; kubectl delete -k takes it away', {
  timeout: 600_000,
}, async () => {
  const { monitors, user, key } = await loligo.connection();
  await Loligo.uninstall(kube);
  const overlay = writeOverlay();
  try {
    await kube.kubectl('apply', '--kustomize', overlay);
    const clusters = { prod: { site: 'east', monitors, user, keyFile: 'prod.key' } };
    const stringData = { 'clusters.json': JSON.stringify(clusters), 'prod.key': key };
    const metadata = { name: 'loligo-clusters', namespace: loligo.namespace };
    const storageClass = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'by-hand' },
      provisioner: 'rbd.csi.loligo.dev',
      parameters: { pool: loligo.pool.name },
    };
    await kube.apply([{ apiVersion: 'v1', kind: 'Secret', metadata, stringData }, storageClass]);
    await loligo.untilReady();
    {
      await using namespace = await kube.freshNamespace();
      await namespace.start(claim('data', { class: 'by-hand' }), pod('writer', { claims: { '/data': 'data' } }));
      await namespace.exec('writer', 'sh', '-c', 'echo text > /data/file && sync');
    }
    await loligo.untilEmpty();
    await kube.remove(storageClass);

    await kube.kubectl('delete', '--kustomize', overlay, '--timeout=3m');

    assert.equal(await kube.kubectl('get', 'namespace', loligo.namespace, '--ignore-not-found'), '');
    assert.equal(await kube.kubectl('get', 'clusterroles', '-l', 'app.kubernetes.io/instance=loligo', '-o', 'name'), '');
  } finally {
    await kube.kubectl('delete', '--kustomize', overlay, '--ignore-not-found', '--timeout=3m');
    rmSync(overlay, { recursive: true });
    await Loligo.install(kube);
  }
});

/** The project's manifests with the bed's images, as a person writes it with images of one's own. */
function writeOverlay(): string {
  const dir = mkdtempSync(join(kube.dir, 'manifests-'));
  const sidecars = Object.entries(SIDECAR_IMAGES).map(([, name]) => {
    const [newName = '', newTag = ''] = imageName(name).split(/:(?=[^:]*$)/);
    return { name: `registry.k8s.io/sig-storage/${name}`, newName, newTag };
  });
  const images = [{ name: 'loligo', newName: 'localhost/loligo' }, ...sidecars];
  // JSON is YAML.
  const text = JSON.stringify({ resources: [relative(dir, MANIFESTS)], images });
  writeFileSync(join(dir, 'kustomization.yaml'), text);
  return dir;
}
