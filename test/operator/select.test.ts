/** Which volumes a policy selects, and where its sites are found. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ClusterConfig } from '../../src/lib/cluster-config.ts';
import { formatDuration, parseDuration } from '../../src/operator/mirror/duration.ts';
import {
  type ClusterObjects,
  type LabelSelector,
  matches,
  type PersistentVolume,
  selectByClaims,
} from '../../src/operator/mirror/select.ts';
import type { MirrorPolicySpec } from '../../src/operator/resources/index.ts';

const LABELS = { dr: 'gold', tier: 'a' };

const SELECTORS: Record<string, { selector: LabelSelector; holds: boolean }> = {
  'an empty selector selects everything': { selector: {}, holds: true },
  'equal labels': { selector: { matchLabels: { dr: 'gold' } }, holds: true },
  'another value': { selector: { matchLabels: { dr: 'silver' } }, holds: false },
  'a label that is missing': { selector: { matchLabels: { dr: 'gold', zone: 'x' } }, holds: false },
  In: { selector: { matchExpressions: [{ key: 'dr', operator: 'In', values: ['silver', 'gold'] }] }, holds: true },
  'NotIn, also where the label is missing': {
    selector: { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['x'] }] },
    holds: true,
  },
  Exists: { selector: { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, holds: false },
  DoesNotExist: { selector: { matchExpressions: [{ key: 'dr', operator: 'DoesNotExist' }] }, holds: false },
};

for (const [name, { selector, holds }] of Object.entries(SELECTORS)) {
  test(`selector: ${name}`, () => assert.equal(matches(selector, LABELS), holds));
}

const VOLUMES: readonly PersistentVolume[] = [
  volume('labelled', { handle: 'prod/rbd/labelled', claim: 'labelled' }),
  volume('plain', { handle: 'prod/rbd/plain', claim: 'plain' }),
  volume('classed', { handle: 'prod/rbd/classed', claim: 'plain', storageClass: 'gold' }),
  volume('elsewhere', { handle: 'prod/ssd/elsewhere', claim: 'labelled' }),
  volume('other-cluster', { handle: 'test/rbd/other', claim: 'labelled' }),
  volume('other-driver', { handle: 'prod/rbd/other', claim: 'labelled', driver: 'rbd.csi.ceph.com' }),
  volume('hostile', { handle: 'prod/rbd/../../x', claim: 'labelled' }),
  volume('unclaimed', { handle: 'prod/rbd/unclaimed', claim: '' }),
];

const OBJECTS: ClusterObjects = {
  driver: 'rbd.csi.loligo.dev',
  volumes: () => VOLUMES,
  claimLabels: (_, name) => (name === 'labelled' ? { dr: 'gold' } : name === 'plain' ? {} : undefined),
  namespaceLabels: (name) => (name === 'apps' ? { dr: 'gold' } : undefined),
  storageClass: (name) =>
    name === 'gold'
      ? { apiVersion: 'v1', kind: 'StorageClass', metadata: { name }, provisioner: 'x', parameters: { mirrorPolicy: 'policy' } }
      : undefined,
};

const SELECTIONS: Record<string, { volumes: MirrorPolicySpec['volumes']; selects: readonly string[] }> = {
  'nothing but the class': { volumes: { pools: ['rbd'] }, selects: ['classed'] },
  'labels of claims, and the class': {
    volumes: { pools: ['rbd'], claims: { matchLabels: { dr: 'gold' } } },
    selects: ['labelled', 'classed'],
  },
  'labels of namespaces': {
    volumes: { pools: ['rbd'], namespaces: { matchLabels: { dr: 'gold' } } },
    selects: ['labelled', 'plain', 'classed'],
  },
  'both must hold': {
    volumes: { pools: ['rbd'], namespaces: { matchLabels: { dr: 'silver' } }, claims: { matchLabels: { dr: 'gold' } } },
    selects: ['classed'],
  },
  'another pool': { volumes: { pools: ['ssd'], claims: {} }, selects: ['elsewhere'] },
  everything: { volumes: { pools: ['rbd'], everything: true }, selects: ['labelled', 'plain', 'classed', 'unclaimed'] },
};

for (const [name, { volumes, selects }] of Object.entries(SELECTIONS)) {
  test(`selection: ${name}`, () => {
    const spec = { cluster: 'prod', sites: ['east', 'west'], primarySite: 'east', epoch: 1, volumes };

    const selected = selectByClaims({ name: 'policy', spec }, OBJECTS);

    assert.deepEqual(
      selected.map(({ ref }) => ref.image),
      selects,
    );
  });
}

test('durations are read and shown', () => {
  assert.deepEqual(['90s', '5m', '1h30m'].map(parseDuration), [90, 300, 5400]);
  assert.deepEqual([0, 0.2, 119, 150, 7199, 86_400].map(formatDuration), ['0s', '1s', '119s', '2m30s', '119m59s', '24h']);
});

test('the peers of a cluster are in its configuration, with keys of their own, and what is wrong is named', () => {
  const dir = mkdtempSync(join(tmpdir(), 'loligo-peers-'));
  const write = (peers: object): ClusterConfig => {
    const site = { monitors: ['10.0.0.1:6789'], user: 'loligo', keyFile: 'east.key' };
    writeFileSync(join(dir, 'clusters.json'), JSON.stringify({ prod: { site: 'east', ...site, peers } }));
    return new ClusterConfig(join(dir, 'clusters.json'));
  };
  const west = { monitors: ['10.1.0.1:6789'], user: 'other', keyFile: 'west.key' };
  try {
    writeFileSync(join(dir, 'east.key'), 'a key\n');
    writeFileSync(join(dir, 'west.key'), 'another\n');
    const config = write({ west: { ...west, mirror: { user: 'peer', keyFile: 'east.key' } } });

    assert.deepEqual(config.sites('prod'), ['east', 'west']);
    assert.deepEqual([config.at('prod', 'west').user, config.at('prod', 'west').key], ['other', 'another']);
    assert.deepEqual(
      [config.mirrorUser('prod', 'west'), config.mirrorUser('prod', 'east')],
      [{ user: 'peer', key: 'a key' }, undefined],
    );
    assert.throws(() => config.at('prod', 'north'), { reason: 'SITE_UNKNOWN' });
    assert.throws(() => write({ east: west }).sites('prod'), /"east" is not the name of another site/);
    assert.throws(() => write({ west: { ...west, monitors: [] } }).sites('prod'), /prod\.peers\.west\.monitors/);
    assert.throws(() => write({ west: { ...west, colour: 'red' } }).sites('prod'), /prod\.peers\.west\.colour is unknown/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

interface VolumeOf {
  readonly handle: string;
  readonly claim: string;
  readonly storageClass?: string;
  readonly driver?: string;
}

function volume(
  name: string,
  { handle, claim, storageClass = 'plain', driver = 'rbd.csi.loligo.dev' }: VolumeOf,
): PersistentVolume {
  const claimRef = claim === '' ? {} : { claimRef: { namespace: 'apps', name: claim } };
  const spec = { csi: { driver, volumeHandle: handle }, storageClassName: storageClass, ...claimRef };
  return { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec };
}
