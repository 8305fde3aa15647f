import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parser } from '@prometheus-io/lezer-promql';
import { CHART } from '../../scripts/helm.ts';
import { METRICS } from '../../src/observability/metric-table.ts';
import { getManifest, type Manifest, ofKind, rendered } from './rendered.ts';

/** Series of each metric: a histogram has three. The process' own come from the client library. */
const SERIES = new Map<string, readonly string[]>([
  ...Object.values(METRICS).flatMap(({ name, kind, labels }): [string, readonly string[]][] =>
    kind === 'histogram'
      ? ['_bucket', '_count', '_sum'].map((end) => [`${name}${end}`, [...labels, ...(end === '_bucket' ? ['le'] : [])]])
      : [[name, labels]],
  ),
  ['process_resident_memory_bytes', []],
]);
/** Labels that Prometheus adds to what it scrapes. */
const SCRAPED = ['namespace', 'service', 'pod', 'node'];

test('alerts use metrics and labels that there are', async () => {
  const rule = getManifest(await rendered('everything'), 'PrometheusRule', 'loligo');

  const alerts = rule.spec.groups.flatMap(({ rules }: Manifest) => rules);

  assert.ok(alerts.length >= 6);
  for (const { alert, expr, annotations } of alerts) {
    assert.deepEqual(faultsIn(expr), [], alert);
    assert.ok(annotations.summary && annotations.description);
    // In a text that people read, a label must be one that the expression leaves.
    for (const [, label] of JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g))
      assert.match(expr, new RegExp(`by \\([^)]*${label}`));
  }
});

test('the dashboard uses metrics and labels that there are, in every panel', async () => {
  const { data } = getManifest(await rendered('everything'), 'ConfigMap', 'loligo-dashboard');
  const dashboard = JSON.parse(data['loligo.json']);

  const targets = dashboard.panels.flatMap((panel: Manifest) => panel.targets);

  assert.ok(dashboard.panels.length > 10);
  assert.ok(targets.every(({ expr, legendFormat }: Manifest) => expr !== undefined && legendFormat !== undefined));
  assert.deepEqual(
    targets.flatMap(({ expr }: Manifest) => faultsIn(expr)),
    [],
  );
  assert.equal(readFileSync(join(CHART, 'files/dashboards/loligo.json'), 'utf8').includes('${DS_'), false);
});

test('every metric of ours is in the dashboard', async () => {
  const { data } = getManifest(await rendered('everything'), 'ConfigMap', 'loligo-dashboard');

  assert.deepEqual(
    Object.values(METRICS)
      .map(({ name }) => name)
      .filter((name) => !data['loligo.json'].includes(name)),
    [],
  );
});

test('Prometheus finds the metrics of all four roles', async () => {
  const manifests = await rendered('everything');
  const { spec } = getManifest(manifests, 'ServiceMonitor', 'loligo');
  const [wanted] = spec.selector.matchExpressions;

  const services = ofKind(manifests, 'Service').filter(
    ({ metadata, spec: { ports } }) =>
      wanted.values.includes(metadata.labels[wanted.key]) && ports.some(({ name }: Manifest) => name === spec.endpoints[0].port),
  );

  assert.deepEqual(services.map(({ metadata }) => metadata.name).toSorted(), [
    'loligo-controller-metrics',
    'loligo-mapper-metrics',
    'loligo-node-metrics',
    'loligo-operator-metrics',
  ]);
  for (const service of services) assert.ok(await listens(service));
});

test('the network policy lets the controller out to Ceph, the API server, Vault and names, and metrics in', async () => {
  const { spec } = getManifest(await rendered('everything'), 'NetworkPolicy', 'loligo-controller');

  assert.deepEqual(
    spec.egress.map(({ to, ports }: Manifest) => [
      to?.[0].ipBlock.cidr,
      ports.map(({ port, endPort }: Manifest) => endPort ?? port),
    ]),
    [
      ['10.0.0.0/24', [3300, 6789, 7568]],
      ['10.96.0.1/32', [443, 6443]],
      ['10.0.1.0/24', [8200]],
      [undefined, [53, 53]],
    ],
  );
  assert.deepEqual(
    spec.ingress.map(({ ports }: Manifest) => ports[0].port),
    [9809, 50_051],
  );
  assert.equal(spec.ingress[0].from[0].namespaceSelector.matchLabels['kubernetes.io/metadata.name'], 'monitoring');
});

test('what is wrong with an expression is found', () => {
  const cases: Record<string, string> = {
    'sum(rate(csi_operation_seconds_count[5m])': 'not PromQL',
    csi_operation_seconds: 'csi_operation_seconds',
    'max by (planet) (loligo_cluster_up)': 'planet',
    'loligo_cluster_up{planet="x"}': 'planet',
  };
  for (const [expression, fault] of Object.entries(cases)) assert.match(faultsIn(expression).join(), new RegExp(fault), expression);
});

/** What Prometheus would refuse in an expression, and the metrics and labels in it that there are not. */
function faultsIn(expression: string): readonly string[] {
  const faults: string[] = [];
  const metrics: string[] = [];
  const labels: string[] = [];
  // Of Grafana's own words one stands for a length of time.
  const text = expression.replaceAll('$__rate_interval', '5m');
  parser.parse(text).iterate({
    enter: ({ type, from, to }) => {
      const word = text.slice(from, to);
      if (type.isError) faults.push(`not PromQL at "${text.slice(from)}"`);
      if (type.name === 'Identifier' || type.name === 'MetricIdentifier') metrics.push(word);
      if (type.name === 'LabelName') labels.push(word);
    },
  });
  const known = [...SCRAPED, ...metrics.flatMap((name) => SERIES.get(name) ?? [])];
  faults.push(...metrics.filter((name) => !SERIES.has(name)), ...labels.filter((name) => !known.includes(name)));
  return metrics.length === 0 ? ['no metric in it'] : faults;
}

/** A pod that the Service selects has the port that the Service sends to. */
async function listens(service: Manifest): Promise<boolean> {
  const pods = ofKind(await rendered('everything'), 'Deployment', 'DaemonSet');
  const component = service.spec.selector['app.kubernetes.io/component'];
  const pod = pods.find(({ spec }) => spec.template.metadata.labels['app.kubernetes.io/component'] === component);
  const ports = pod.spec.template.spec.containers.flatMap((container: Manifest) => container.ports ?? []);
  return ports.some(({ containerPort }: Manifest) => containerPort === service.spec.ports[0].targetPort);
}
