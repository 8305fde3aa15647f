/** What the chart writes is read by the driver's own readers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readMutableParameters, readParameters } from '../../src/csi/parameters/read-parameters.ts';
import { readTopology } from '../../src/csi/request/read-topology.ts';
import { ClusterConfig } from '../../src/lib/cluster-config.ts';
import { getManifest, type Manifest, ofKind, rendered, VALUE_SETS } from './rendered.ts';

test('the parameters of every StorageClass and VolumeAttributesClass are read by the driver', async () => {
  for (const set of VALUE_SETS) {
    const manifests = await rendered(set);

    for (const { parameters } of ofKind(manifests, 'StorageClass')) readParameters(parameters);
    for (const { parameters } of ofKind(manifests, 'VolumeAttributesClass')) readMutableParameters(parameters);
  }
});

test('numbers, sizes and lists of values arrive as the text that was meant', async () => {
  const everything = getManifest(await rendered('everything'), 'StorageClass', 'loligo');
  const twoClusters = getManifest(await rendered('two-clusters'), 'StorageClass', 'loligo');

  const { values } = readParameters(everything.parameters);
  const { values: byTopology, qos } = readParameters(twoClusters.parameters);

  assert.equal(values.stripeUnit, 65_536n);
  assert.equal(values.flatten, true);
  assert.equal(values.maxCloneDepth, 0);
  assert.deepEqual(qos, { rbd_qos_iops_limit: '2000000' });
  assert.deepEqual(byTopology.topologyPools?.[1], {
    pool: 'rbd-b',
    dataPool: 'rbd-b-ec',
    segments: { 'topology.kubernetes.io/zone': 'b' },
  });
});

test('a StorageClass says all that its values say', async () => {
  const { parameters, ...rest } = getManifest(await rendered('everything'), 'StorageClass', 'loligo');

  assert.equal(rest.metadata.annotations['storageclass.kubernetes.io/is-default-class'], 'true');
  assert.equal(rest.metadata.annotations['example.net/tier'], 'fast');
  assert.deepEqual(
    [rest.reclaimPolicy, rest.volumeBindingMode, rest.allowVolumeExpansion, rest.mountOptions],
    ['Retain', 'WaitForFirstConsumer', false, ['noatime']],
  );
  assert.equal(parameters['csi.storage.k8s.io/fstype'], 'ext4');
  assert.equal(parameters['csi.storage.k8s.io/secret-namespace'], 'tenant-a');
});

test('the driver reads the cluster configuration of the Secrets, each with the keys that are its own', async () => {
  const manifests = await rendered('two-clusters');

  const controller = readSecret(getManifest(manifests, 'Secret', 'loligo-clusters'));
  const node = readSecret(getManifest(manifests, 'Secret', 'loligo-node-clusters'));

  assert.deepEqual(controller, [
    { cluster: 'dev', site: 'lab', monitors: ['[v2:10.1.0.1:3300,v1:10.1.0.1:6789]'], user: 'loligo', key: 'ZGV2LWtleQ==' },
    { cluster: 'prod', site: 'east', monitors: ['10.0.0.1:6789'], user: 'loligo', key: 'cHJvZC1rZXk=' },
  ]);
  assert.deepEqual(
    node.map(({ user, key }) => [user, key]),
    [
      ['loligo', 'ZGV2LWtleQ=='],
      ['loligo-node', 'cHJvZC1ub2RlLWtleQ=='],
    ],
  );
});

test('without clusters the configuration is empty, and the driver reads it', async () => {
  assert.deepEqual(readSecret(getManifest(await rendered('default'), 'Secret', 'loligo-clusters')), []);
});

test('the driver reads the topology of pools', async () => {
  const { data } = getManifest(await rendered('two-clusters'), 'ConfigMap', 'loligo-topology');

  const pools = readTopology(JSON.parse(data['topology.json']));

  assert.deepEqual(
    pools.map(({ cluster, pool }) => [cluster, pool]),
    [
      ['prod', 'rbd-a'],
      ['prod', 'rbd-b'],
    ],
  );
});

test('the CSIDriver says what the driver does', async () => {
  const { spec } = getManifest(await rendered('default'), 'CSIDriver', 'rbd.csi.loligo.dev');

  assert.deepEqual(spec, {
    attachRequired: true,
    fsGroupPolicy: 'File',
    podInfoOnMount: false,
    seLinuxMount: true,
    storageCapacity: false,
    volumeLifecycleModes: ['Persistent'],
  });
});

test('free space is tracked only where nodes have topology: without, the provisioner keeps no object that says so', async () => {
  for (const [set, tracked] of [
    ['default', false],
    ['everything', true],
  ] as const) {
    const manifests = await rendered(set);
    const { spec } = getManifest(manifests, 'CSIDriver', 'rbd.csi.loligo.dev');
    const deployment = getManifest(manifests, 'Deployment', 'loligo-controller');
    const provisioner = deployment.spec.template.spec.containers.find(({ name }: Manifest) => name === 'provisioner');

    assert.deepEqual([spec.storageCapacity, provisioner.args.includes('--enable-capacity=true')], [tracked, tracked]);
  }
});

/** The connections that a role finds when the Secret is mounted. */
function readSecret({ data }: Manifest): ReturnType<ClusterConfig['get']>[] {
  const dir = mkdtempSync(join(tmpdir(), 'loligo-secret-'));
  try {
    for (const [name, content] of Object.entries<string>(data)) writeFileSync(join(dir, name), Buffer.from(content, 'base64'));
    const config = new ClusterConfig(join(dir, 'clusters.json'));
    return config.names().map((name) => config.get(name));
  } finally {
    rmSync(dir, { recursive: true });
  }
}
