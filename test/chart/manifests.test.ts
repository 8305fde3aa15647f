import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { manifestText } from '../../scripts/generate-manifests.ts';
import { CHART } from '../../scripts/helm.ts';
import { podsOf, readManifests } from './rendered.ts';

const MANIFESTS = resolve(import.meta.dirname, '../../manifests');

test('manifests/loligo.yaml is what helm renders now, to the letter', async () => {
  assert.equal(readFileSync(join(MANIFESTS, 'loligo.yaml'), 'utf8'), await manifestText());
});

test('everything that kubectl apply -k reads is there, and lies in the namespace that it makes', () => {
  const { resources } = parse(readFileSync(join(MANIFESTS, 'kustomization.yaml'), 'utf8'));

  const objects = resources.flatMap((file: string) => readManifests(readFileSync(join(MANIFESTS, file), 'utf8')));
  const namespaces = objects.flatMap(({ metadata }: { metadata: { namespace?: string } }) => metadata.namespace ?? []);

  assert.equal(objects[0].kind, 'Namespace');
  assert.deepEqual([...new Set(namespaces)], [objects[0].metadata.name]);
});

test('the manifests run the image of the version, and no hook of helm is among them', () => {
  const manifests = readManifests(readFileSync(join(MANIFESTS, 'loligo.yaml'), 'utf8'));
  const { version } = JSON.parse(readFileSync(resolve(MANIFESTS, '../package.json'), 'utf8'));
  const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));

  assert.deepEqual([chart.version, chart.appVersion], [version, version]);
  assert.deepEqual(
    podsOf(manifests)
      .map(({ component }) => component)
      .toSorted(),
    ['controller', 'mapper', 'node'],
  );
});
