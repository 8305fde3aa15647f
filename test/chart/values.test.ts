/** A wrong value is refused before anything is installed, and the message names the field. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { CHART, renderChart } from '../../scripts/helm.ts';
import { PARAMETERS } from '../../src/csi/parameters/table.ts';
import { ProgramError } from '../support/ceph/program.ts';
import { type Manifest, valuesFile } from './rendered.ts';

const SCHEMA: Manifest = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
const VALUES: Manifest = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));

const CLASS = 'storageClasses[0].name=a,storageClasses[0].parameters.pool=rbd';

/** What is set, and what the message has to say. */
const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['controler.replicas=2', /at '': additional properties 'controler' not allowed/],
  ['controller.replicas=two', /at '\/controller\/replicas': got string, want integer/],
  ['controller.replicas=0', /at '\/controller\/replicas': minimum: got 0, want 1/],
  ['driver.logLevel=loud', /at '\/driver\/logLevel': value must be one of 'debug'/],
  ['driver.name=RBD', /at '\/driver\/name': 'RBD' does not match pattern/],
  ['kubeletDir=var/lib', /at '\/kubeletDir'/],
  ['clusters.prod.site=a', /at '\/clusters\/prod': missing properties 'monitors', 'user', 'key'/],
  ['clusters.pr/od.site=a', /at '\/clusters'.* 'pr\/od'|'pr\/od' does not match/],
  ['clusters.a.site=a,clusters.a.user=client.x,clusters.a.key=not a key,clusters.a.monitors={10.0.0.1}', /at '\/clusters\/a\/key'/],
  [`${CLASS},storageClasses[0].parameters.pol=x`, /at '\/storageClasses\/0\/parameters': additional properties 'pol' not allowed/],
  [`${CLASS},storageClasses[0].parameters.flatten=maybe`, /at '\/storageClasses\/0\/parameters\/flatten': value must be one of/],
  [
    `${CLASS},storageClasses[0].parameters.maxCloneDepth=17`,
    /at '\/storageClasses\/0\/parameters\/maxCloneDepth': maximum: got 17, want 16/,
  ],
  [`${CLASS},storageClasses[0].parameters.deleteRetention=soon`, /at '\/storageClasses\/0\/parameters\/deleteRetention'/],
  [`${CLASS},storageClasses[0].fsType=btrfs`, /at '\/storageClasses\/0\/fsType': value must be one of 'ext4', 'xfs'/],
  [
    'volumeAttributesClasses[0].name=a,volumeAttributesClasses[0].parameters.pool=rbd',
    /parameters': additional properties 'pool' not allowed/,
  ],
  ['storageClasses[0].name=a,storageClasses[0].parameters.cluster=prod', /storageClasses, a: parameters\.pool is missing/],
  ['existingNodeSecret=nodes', /existingNodeSecret: goes with existingSecret/],
  ['rbdMirror.enabled=true', /rbdMirror: monitors and existingSecret/],
];

for (const [setting, message] of REFUSED) {
  test(`${setting} is refused by name`, async () => {
    await assert.rejects(renderChart([], ['--set', setting]), (error: unknown) => {
      assert.ok(error instanceof ProgramError);
      assert.match(error.stderr, message);
      return true;
    });
  });
}

test('values that contradict each other are refused with what to do', async () => {
  const [minimal] = valuesFile('minimal');
  const refusal = (settings: string): Promise<string> =>
    renderChart([minimal ?? ''], ['--set', settings]).then(
      () => 'rendered',
      (error: ProgramError) => error.stderr,
    );

  assert.match(await refusal('existingSecret=ceph'), /clusters and existingSecret: give one of the two/);
  assert.match(await refusal('clusters.prod.nodeUser=nodes'), /clusters\.prod: nodeUser and nodeKey go together/);
  assert.match(
    await refusal('storageClasses[0].name=a,storageClasses[0].parameters.cluster=other,storageClasses[0].parameters.pool=rbd'),
    /a: parameters\.cluster other is not in clusters/,
  );
});

test('topology labels are refused where pods cannot learn them', async () => {
  const wanted = renderChart([], ['--set', 'node.topologyLabels={topology.kubernetes.io/zone}', '--kube-version', '1.34.0']);

  await assert.rejects(wanted, (error: ProgramError) => /node\.topologyLabels: .* 1\.35/.test(error.stderr));
});

test('the schema and values.yaml have the same values, and each says what it is', () => {
  assert.deepEqual(differences(SCHEMA, VALUES, ''), []);
  assert.deepEqual(silent(SCHEMA, ''), []);
});

test('the schema refuses unknown fields everywhere but in what Kubernetes itself reads', () => {
  const open = everySchema(SCHEMA, '').filter(
    ([, { type, additionalProperties }]) => type === 'object' && additionalProperties === undefined,
  );

  assert.deepEqual(
    open.map(([path]) => path),
    [
      ...['/controller/tolerations/items', '/controller/affinity', '/node/tolerations/items', '/node/affinity'],
      ...['/csiAddons/sidecar', '/storageClasses/items/allowedTopologies/items', '/networkPolicy/metricsFrom/items', '/global'],
    ],
  );
});

test('a class may have every parameter of the driver, and a VolumeAttributesClass the mutable ones', () => {
  const all = Object.keys(SCHEMA.properties.storageClasses.items.properties.parameters.properties);
  const mutable = Object.keys(SCHEMA.properties.volumeAttributesClasses.items.properties.parameters.properties);

  assert.deepEqual(all, Object.keys(PARAMETERS));
  assert.deepEqual(
    mutable,
    Object.entries(PARAMETERS).flatMap(([key, row]) => ('mutable' in row ? [key] : [])),
  );
});

/** Every schema below this one, with its path in values. */
function everySchema(schema: Manifest, path: string): readonly (readonly [string, Manifest])[] {
  const below = Object.entries<Manifest>(schema.properties ?? {}).map(([name, part]) => everySchema(part, `${path}/${name}`));
  const items = schema.items === undefined ? [] : [everySchema(schema.items, `${path}/items`)];
  const values = typeof schema.additionalProperties === 'object' ? [everySchema(schema.additionalProperties, `${path}/*`)] : [];
  return [[path, schema], ...[...below, ...items, ...values].flat()];
}

/** Paths that stand in one of the two only. Where values are free in their keys there is nothing to compare. */
function differences(schema: Manifest, values: Manifest, path: string): readonly string[] {
  if (schema.properties === undefined || values === undefined) return [];
  const wanted = Object.keys(schema.properties).filter((name) => `${path}/${name}` !== '/global');
  const given = Object.keys(values);
  // A tag that is the chart's own, a limit that is not set: what is optional within an image or resources.
  const optional = path.endsWith('/resources') || path.endsWith('/image') ? wanted : [];
  const apart = [
    ...wanted.filter((name) => !given.includes(name) && !optional.includes(name)),
    ...given.filter((name) => !wanted.includes(name)),
  ];
  return [
    ...apart.map((name) => `${path}/${name}`),
    ...wanted.flatMap((name) => differences(schema.properties[name], values[name], `${path}/${name}`)),
  ];
}

function silent(schema: Manifest, path: string): readonly string[] {
  return everySchema(schema, path)
    .filter(([at, { description }]) => description === undefined && !at.endsWith('/*') && !at.endsWith('/items'))
    .map(([at]) => at);
}
