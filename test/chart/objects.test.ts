import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHART, helm, KUBE_VERSION } from '../../scripts/helm.ts';
import { type Manifest, ofKind, podsOf, readManifests, rendered, VALUE_SETS, valuesFile } from './rendered.ts';

/** Objects of kinds that lie in no namespace. */
const CLUSTER_WIDE = [
  'ClusterRole',
  'ClusterRoleBinding',
  'CSIDriver',
  'SnapshotMetadataService',
  'StorageClass',
  'VolumeAttributesClass',
  'VolumeGroupSnapshotClass',
  'VolumeSnapshotClass',
];

for (const set of VALUE_SETS) {
  test(`helm lint has no complaint about the values ${set}`, async () => {
    const values = valuesFile(set).flatMap((file) => ['--values', file]);

    const said = await helm('lint', CHART, '--strict', '--kube-version', KUBE_VERSION, ...values);

    assert.match(said, /1 chart\(s\) linted, 0 chart\(s\) failed/);
  });

  test(`the objects of the values ${set} have a name, a namespace and labels of their own`, async () => {
    const manifests = await rendered(set);

    const keys = manifests.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);

    assert.deepEqual(keys.toSorted(), [...new Set(keys)].toSorted());
    assert.deepEqual(
      manifests.filter(({ kind, metadata }) => CLUSTER_WIDE.includes(kind) !== (metadata.namespace === undefined)).map(nameOf),
      [],
    );
    assert.deepEqual(
      manifests.filter(({ metadata }) => metadata.labels['app.kubernetes.io/instance'] !== 'loligo').map(nameOf),
      [],
    );
    assert.deepEqual(
      manifests.filter(({ metadata }) => !/^[a-z0-9][a-z0-9.-]*$/.test(metadata.name)).map(nameOf),
      [],
      'not a name of Kubernetes',
    );
  });

  test(`what the objects of the values ${set} refer to is there`, async () => {
    const manifests = await rendered(set);
    const accounts = names(manifests, 'ServiceAccount');
    const roles = [...names(manifests, 'ClusterRole'), ...names(manifests, 'Role')];
    const made = [...names(manifests, 'Secret'), ...names(manifests, 'ConfigMap')];
    // Given by hand, as the values say.
    const given = ['ceph', 'ceph-nodes', 'encryption', 'encryption-nodes', 'tls', 'rbd-mirror', 'operator-clusters'];

    const wantedAccounts = podsOf(manifests).flatMap(({ spec }) => spec.serviceAccountName ?? []);
    const bindings = ofKind(manifests, 'ClusterRoleBinding', 'RoleBinding');
    const mounted = podsOf(manifests).flatMap(({ spec }) =>
      (spec.volumes ?? []).flatMap((volume: Manifest) => volume.secret?.secretName ?? volume.configMap?.name ?? []),
    );
    const bound = bindings.flatMap((binding) => binding.subjects.map((subject: Manifest) => subject.name));

    assert.deepEqual(missing([...wantedAccounts, ...bound], accounts), []);
    assert.deepEqual(
      missing(
        bindings.map((binding) => binding.roleRef.name),
        roles,
      ),
      [],
    );
    assert.deepEqual(missing(mounted, [...made, ...given]), []);
    for (const { spec } of podsOf(manifests)) assert.deepEqual(unmounted(spec), []);
  });
}

test('each selector finds the pods of one component alone', async () => {
  const manifests = await rendered('everything');
  const pods = ofKind(manifests, 'Deployment', 'DaemonSet').map(({ spec }) => spec.template.metadata.labels);

  for (const object of ofKind(manifests, 'Deployment', 'DaemonSet', 'PodDisruptionBudget', 'Service')) {
    const wanted = object.spec.selector.matchLabels ?? object.spec.selector;

    const found = pods.filter((labels) => Object.entries(wanted).every(([key, value]) => labels[key] === value));

    assert.equal(found.length, 1, nameOf(object));
  }
});

test('an uninstall leaves what carries the I/O of running pods', async () => {
  const manifests = await rendered('everything');

  const kept = manifests.filter(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'] === 'keep');

  assert.deepEqual(kept.map(nameOf), ['ServiceAccount loligo-mapper', 'DaemonSet loligo-mapper']);
});

test('CRDs are where helm installs what is missing and never changes or removes it', async () => {
  const shown = readManifests(await helm('show', 'crds', CHART));

  assert.deepEqual(ofKind(await rendered('everything'), 'CustomResourceDefinition'), []);
  assert.equal(ofKind(shown, 'CustomResourceDefinition').length, 9);
});

test('an upgrade does not touch the pods that carry I/O', async () => {
  for (const set of VALUE_SETS) {
    const mappers = ofKind(await rendered(set), 'DaemonSet').filter(({ metadata }) => metadata.name.endsWith('-mapper'));

    assert.deepEqual(
      mappers.map(({ spec }) => spec.updateStrategy),
      set === 'existing-secret' ? [] : [{ type: 'OnDelete' }],
    );
  }
});

test('the kubelet and state folders are everywhere those of the values', async () => {
  const manifests = await rendered('kubelet-dir');

  const text = JSON.stringify(manifests);

  assert.doesNotMatch(text, /\/var\/lib\/(kubelet|loligo)/);
  assert.match(text, /--kubelet-registration-path=\/var\/lib\/k0s\/kubelet\/plugins\/rbd\.example\.net\/csi\.sock/);
});

test('all images come from the registry that the values name', async () => {
  const images = podsOf(await rendered('existing-secret')).flatMap(({ spec }) =>
    spec.containers.map(({ image }: Manifest) => image),
  );

  assert.deepEqual(
    images.filter((image) => !/^registry\.example\.net\/mirror\/(loligo|sig-storage\/[a-z-]+):v?\d/.test(image)),
    [],
  );
});

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`;
}

function names(manifests: readonly Manifest[], kind: string): readonly string[] {
  return ofKind(manifests, kind).map(({ metadata }) => metadata.name);
}

function missing(wanted: readonly string[], there: readonly string[]): readonly string[] {
  return wanted.filter((name) => !there.includes(name));
}

/** Volumes that no container mounts, and mounts that no volume is for. */
function unmounted(spec: Manifest): readonly string[] {
  const volumes = (spec.volumes ?? []).map(({ name }: Manifest) => name);
  const mounts = spec.containers.flatMap((container: Manifest) => (container.volumeMounts ?? []).map(({ name }: Manifest) => name));
  return [...missing(volumes, mounts), ...missing(mounts, volumes)];
}
