/** Objects from what an image carries: what is right is built, what is hostile is refused and named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VolumeFacts } from '#rbd';
import {
  type Copies,
  copyOf,
  type Facts,
  factsOf,
  formatFacts,
  hereOf,
  isWrong,
  planVolumes,
  readFacts,
  type Terms,
  type Volume,
  type VolumePlan,
} from '../../src/operator/objects/index.ts';

const DRIVER = 'rbd.csi.loligo.dev';
const FACTS: Facts = {
  from: 'c7d5a1f2-0000-4000-8000-000000000001',
  volume: 'pvc-1',
  class: 'gold',
  modes: ['ReadWriteOnce'],
  block: false,
  fs: 'ext4',
  reclaim: 'Delete',
  claim: { namespace: 'shop', name: 'data', labels: { dr: 'gold' } },
};

/** What the provisioner fills in. */
const slot = (what: string): string => `\${${what}}`;

const META = { uid: 'u', resourceVersion: '1' };
const CLASS = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', provisioner: DRIVER };

function copies(differs: { readonly [K in keyof Copies]?: readonly object[] } = {}): Copies {
  const namespace = (name: string): object => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { ...META, name, labels: { dr: 'gold' } },
  });
  const { volumes = [], claims = [] } = differs;
  const namespaces = differs.namespaces ?? ['shop', 'shop-dr', 'kube-system', 'other'].map(namespace);
  const classes = differs.classes ?? [{ ...CLASS, metadata: { ...META, name: 'gold' }, parameters: {} }];
  const [contents, snapshots] = [[], []];
  const all = { volumes, claims, namespaces, classes };
  const copied = Object.fromEntries(Object.entries(all).map(([kind, objects]) => [kind, copyOf(objects as never)]));
  return { ...copied, snapshots: { contents: copyOf(contents), snapshots: copyOf(snapshots) } } as unknown as Copies;
}

const TERMS: Terms = {
  cluster: 'prod',
  driver: DRIVER,
  mayBuildIn: (name) => name === 'shop' || name === 'shop-dr',
  mayLabel: (key) => key === 'dr',
  makesNamespaces: false,
  unknownClass: '',
  namespaces: {},
  classes: {},
};

function kept(text: string, differs: Partial<VolumeFacts> = {}): VolumeFacts {
  const image = { pool: 'rbd', namespace: '', image: 'v' };
  return { ...image, text, labels: {}, size: 2n ** 30n, encrypted: false, elsewhere: '', snapshots: [], ...differs };
}

function planOf(
  facts: Partial<Facts>,
  differs: { terms?: Partial<Terms>; copies?: Copies; kept?: Partial<VolumeFacts> } = {},
): VolumePlan {
  const one = kept(formatFacts('v', { ...FACTS, ...facts }), differs.kept);
  const [plan] = planVolumes([one], { ...TERMS, ...differs.terms }, hereOf(DRIVER, differs.copies ?? copies()));
  assert.ok(plan);
  return plan;
}

/** What is to be done, in a word each; and what is refused, with its field. */
function told({ actions, refusals }: VolumePlan): readonly string[] {
  return [
    ...actions.map((action) => `${action.do} ${action.kind.kind} ${action.object.metadata.name}`),
    ...refusals.map((one) => `${one.kind} ${one.field}`),
  ];
}

function volumeObject(name: string, spec: object, phase = 'Bound'): Volume {
  const csi = { driver: DRIVER, volumeHandle: 'prod/rbd/v' };
  const claimRef = { namespace: 'shop', name: 'data', uid: 'claim-1' };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { ...META, name },
    spec: { csi, claimRef, ...spec },
    status: { phase },
  };
}

function claimObject(volumeName: string, uid = 'claim-1'): object {
  const metadata = { ...META, uid, namespace: 'shop', name: 'data' };
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: volumeName === '' ? {} : { volumeName } };
}

test('a volume and its claim are built from the image, kept for each other, and the volume outlives the claim', () => {
  const { actions } = planOf({});

  const [volume, claim] = actions.map(({ object }) => object) as unknown as [
    Volume,
    { metadata: object; spec: Record<string, unknown> },
  ];
  assert.deepEqual(volume.spec, {
    accessModes: ['ReadWriteOnce'],
    volumeMode: 'Filesystem',
    capacity: { storage: '1073741824' },
    persistentVolumeReclaimPolicy: 'Retain',
    storageClassName: 'gold',
    claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'shop', name: 'data' },
    csi: { driver: DRIVER, volumeHandle: 'prod/rbd/v', fsType: 'ext4' },
  });
  assert.equal(volume.metadata.annotations?.['loligo.dev/reclaim-policy'], 'Delete');
  assert.equal(claim.spec['volumeName'], 'pvc-1');
  assert.deepEqual(claim.metadata, {
    name: 'data',
    namespace: 'shop',
    labels: { 'app.kubernetes.io/managed-by': 'loligo', dr: 'gold' },
  });
});

test('Secrets, mount options and the mapper come from the class that is here', () => {
  const parameters = {
    mapper: 'krbd',
    pool: 'rbd',
    'csi.storage.k8s.io/node-stage-secret-name': 'ceph',
    'csi.storage.k8s.io/node-stage-secret-namespace': slot('pvc.namespace'),
    'csi.storage.k8s.io/provisioner-secret-name': 'ceph',
    'csi.storage.k8s.io/provisioner-secret-namespace': 'loligo',
  };
  const gold = { ...CLASS, metadata: { ...META, name: 'gold' }, parameters, mountOptions: ['noatime'] };

  const { actions } = planOf({}, { copies: copies({ classes: [gold] }), kept: { encrypted: true } });

  const volume = actions[0]?.object as Volume;
  assert.deepEqual(volume.spec.csi?.nodeStageSecretRef, { name: 'ceph', namespace: 'shop' });
  assert.deepEqual(volume.spec.csi?.volumeAttributes, { mapper: 'krbd', encrypted: 'true' });
  assert.deepEqual(volume.spec.mountOptions, ['noatime']);
  assert.equal(volume.metadata.annotations?.['volume.kubernetes.io/provisioner-deletion-secret-namespace'], 'loligo');
});

const CASES: Record<
  string,
  { facts?: Partial<Facts>; terms?: Partial<Terms>; copies?: Copies; kept?: Partial<VolumeFacts>; is: readonly string[] }
> = {
  'what is there is adopted': {
    copies: copies({ volumes: [volumeObject('pvc-1', {})], claims: [claimObject('pvc-1')] }),
    is: [],
  },
  'a volume of another name with the same handle is adopted': {
    copies: copies({ volumes: [volumeObject('by-hand', {}, 'Released')] }),
    is: ['rebind PersistentVolume by-hand', 'create PersistentVolumeClaim data'],
  },
  'a bound volume keeps the claim that is not seen here yet': {
    copies: copies({ volumes: [volumeObject('pvc-1', {})] }),
    is: ['create PersistentVolumeClaim data'],
  },
  'a volume that outlived its claim is kept for the next of that name': {
    copies: copies({ volumes: [volumeObject('pvc-1', {}, 'Released')], claims: [claimObject('', 'claim-2')] }),
    is: ['rebind PersistentVolume pvc-1'],
  },
  'a claim that waits gets its volume': {
    copies: copies({ claims: [claimObject('')] }),
    is: ['create PersistentVolume pvc-1'],
  },
  'names are mapped': {
    facts: { class: 'silver' },
    terms: { namespaces: { shop: 'shop-dr' }, classes: { silver: 'gold' } },
    is: ['create PersistentVolume pvc-1', 'create PersistentVolumeClaim data'],
  },
  'a namespace is made where that is asked for': {
    terms: { makesNamespaces: true },
    copies: copies({ namespaces: [] }),
    is: ['create Namespace shop', 'create PersistentVolume pvc-1', 'create PersistentVolumeClaim data'],
  },
  'a snapshot that somebody asked for': {
    kept: {
      snapshots: [
        {
          snapshot: 's1',
          labels: {
            'volumesnapshot/name': 'daily',
            'volumesnapshot/namespace': 'shop',
            'volumesnapshotcontent/name': 'snapcontent-1',
          },
        },
        { snapshot: 'by-hand', labels: {} },
      ],
    },
    is: [
      'create PersistentVolume pvc-1',
      'create PersistentVolumeClaim data',
      'create VolumeSnapshotContent snapcontent-1',
      'create VolumeSnapshot daily',
    ],
  },
  'a snapshot of a foreign namespace keeps nothing else back': {
    kept: {
      snapshots: [
        {
          snapshot: 's1',
          labels: {
            'volumesnapshot/name': 'daily',
            'volumesnapshot/namespace': 'other',
            'volumesnapshotcontent/name': 'snapcontent-1',
          },
        },
      ],
    },
    is: ['create PersistentVolume pvc-1', 'create PersistentVolumeClaim data', 'refused snapshot s1: namespace'],
  },
  'a snapshot with a name that is a path': {
    kept: {
      snapshots: [
        {
          snapshot: 's1',
          labels: {
            'volumesnapshot/name': '../daily',
            'volumesnapshot/namespace': 'shop',
            'volumesnapshotcontent/name': 'snapcontent-1',
          },
        },
      ],
    },
    is: ['create PersistentVolume pvc-1', 'create PersistentVolumeClaim data', 'refused snapshot s1: name'],
  },
  'a namespace that nobody allowed': { facts: { claim: { ...FACTS.claim, namespace: 'other' } }, is: ['refused claim.namespace'] },
  "one of Kubernetes' own, whatever is allowed": {
    facts: { claim: { ...FACTS.claim, namespace: 'kube-system' } },
    terms: { mayBuildIn: () => true },
    is: ['refused claim.namespace'],
  },
  'a namespace that is not there': { copies: copies({ namespaces: [] }), is: ['refused claim.namespace'] },
  'a class that is not there': { facts: { class: 'platinum' }, is: ['refused class'] },
  "a class of another driver's": {
    copies: copies({ classes: [{ ...CLASS, provisioner: 'rbd.csi.ceph.com', metadata: { ...META, name: 'gold' } }] }),
    is: ['refused class'],
  },
  'a class whose Secret is named by what the image says': {
    copies: copies({
      classes: [
        {
          ...CLASS,
          metadata: { ...META, name: 'gold' },
          parameters: {
            'csi.storage.k8s.io/node-stage-secret-name': slot('pv.name'),
            'csi.storage.k8s.io/node-stage-secret-namespace': 'loligo',
          },
        },
      ],
    }),
    is: ['refused class'],
  },
  'a volume of that name with another handle': {
    copies: copies({ volumes: [volumeObject('pvc-1', { csi: { driver: DRIVER, volumeHandle: 'prod/rbd/other' } })] }),
    is: ['conflict volume'],
  },
  'a volume with that handle for another claim': {
    copies: copies({ volumes: [volumeObject('pvc-1', { claimRef: { namespace: 'shop', name: 'else' } })] }),
    is: ['conflict claim'],
  },
  'a volume with that handle that anybody may take': {
    copies: copies({ volumes: [volumeObject('pvc-1', { claimRef: undefined })] }),
    is: ['conflict claim'],
  },
  'a claim that has another volume': { copies: copies({ claims: [claimObject('pvc-9')] }), is: ['conflict claim.name'] },
  'an image to which nothing was written': { kept: { text: '' }, is: ['refused (all)'] },
  'an image with what its driver kept of Kubernetes': {
    kept: {
      text: '',
      labels: {
        'pv/name': 'pvc-7',
        'pvc/name': 'logs',
        'pvc/namespace': 'shop',
        'pv/accessModes': 'ReadWriteOnce',
        'pv/volumeMode': 'Block',
      },
    },
    is: ['create PersistentVolume pvc-7', 'create PersistentVolumeClaim logs'],
  },
  'an image with half of that': {
    kept: { text: '', labels: { 'pv/name': 'pvc-7', 'pv/accessModes': 'x' } },
    is: ['refused modes'],
  },
  'an image that another site has': { kept: { elsewhere: 'it is at site west since epoch 8' }, is: ['refused (all)'] },
  'facts of a parent that a clone inherited': { kept: { image: 'clone' }, is: ['refused (all)'] },
};

for (const [name, { facts = {}, is, ...differs }] of Object.entries(CASES)) {
  test(name, () => assert.deepEqual(told(planOf(facts, differs)), is));
}

test('of two images that name one claim neither is built', () => {
  const both = [kept(formatFacts('v', FACTS)), kept(formatFacts('w', { ...FACTS, volume: 'pvc-2' }), { image: 'w' })];

  const plans = planVolumes(both, TERMS, hereOf(DRIVER, copies()));

  assert.deepEqual(plans.map(told), [['conflict claim'], ['conflict claim']]);
  assert.match(plans[0]?.refusals[0]?.message ?? '', /prod\/rbd\/w names the claim shop\/data too/);
});

const good = JSON.parse(formatFacts('v', FACTS)) as Record<string, unknown>;
const claim = good['claim'] as Record<string, unknown>;
const manyLabels = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`l${index}`, 'x']));

const HOSTILE: Record<string, { text: string; field: string }> = {
  'no JSON': { text: '{"v":1', field: '(all)' },
  'a list': { text: '[]', field: '(all)' },
  'a number': { text: '7', field: '(all)' },
  null: { text: 'null', field: '(all)' },
  'megabytes of it': { text: `{"v":1,"x":"${'a'.repeat(2 ** 20)}"}`, field: '(all)' },
  'ten thousand brackets': { text: '['.repeat(8000), field: '(all)' },
  'a newer form': { text: JSON.stringify({ ...good, v: 2 }), field: 'v' },
  'a driver': { text: JSON.stringify({ ...good, driver: 'evil.example.com' }), field: '"driver"' },
  'a handle': { text: JSON.stringify({ ...good, handle: 'prod/rbd/secret' }), field: '"handle"' },
  'a Secret': {
    text: JSON.stringify({ ...good, nodeStageSecretRef: { name: 'admin', namespace: 'kube-system' } }),
    field: '"nodeStageSecretRef"',
  },
  'a prototype': { text: JSON.stringify(good).replace('{', '{"__proto__":{"reclaim":"Retain"},'), field: '"__proto__"' },
  'a field that is missing': { text: JSON.stringify({ ...good, modes: undefined }), field: 'modes' },
  'a volume that is a path': { text: JSON.stringify({ ...good, volume: '../../secrets/admin' }), field: 'volume' },
  'a volume with a line break': { text: JSON.stringify({ ...good, volume: 'pvc-1\n' }), field: 'volume' },
  'a volume that is no text': { text: JSON.stringify({ ...good, volume: { toString: 'x' } }), field: 'volume' },
  'a name of 300 letters': { text: JSON.stringify({ ...good, volume: 'a'.repeat(300) }), field: 'volume' },
  'a mode that there is not': { text: JSON.stringify({ ...good, modes: ['ReadWriteAlways'] }), field: 'modes' },
  'no mode': { text: JSON.stringify({ ...good, modes: [] }), field: 'modes' },
  'a mode twice': { text: JSON.stringify({ ...good, modes: ['ReadWriteOnce', 'ReadWriteOnce'] }), field: 'modes' },
  'a mode in text': { text: JSON.stringify({ ...good, modes: 'ReadWriteOnce' }), field: 'modes' },
  'block by a text': { text: JSON.stringify({ ...good, block: 'true' }), field: 'block' },
  'another file system': { text: JSON.stringify({ ...good, fs: 'ext4,suid' }), field: 'fs' },
  'another reclaim policy': { text: JSON.stringify({ ...good, reclaim: 'Recycle' }), field: 'reclaim' },
  'a claim that is a text': { text: JSON.stringify({ ...good, claim: 'shop/data' }), field: 'claim' },
  'a claim that is null': { text: JSON.stringify({ ...good, claim: null }), field: 'claim' },
  'a namespace with a slash': {
    text: JSON.stringify({ ...good, claim: { ...claim, namespace: 'shop/../kube-system' } }),
    field: 'claim.namespace',
  },
  'an empty namespace': { text: JSON.stringify({ ...good, claim: { ...claim, namespace: '' } }), field: 'claim.namespace' },
  'annotations of a claim': {
    text: JSON.stringify({ ...good, claim: { ...claim, annotations: {} } }),
    field: 'claim."annotations"',
  },
  "a label of Kubernetes'": {
    text: JSON.stringify({ ...good, claim: { ...claim, labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } } }),
    field: 'claim.labels',
  },
  'a label with a bad value': {
    text: JSON.stringify({ ...good, claim: { ...claim, labels: { dr: 'a b' } } }),
    field: 'claim.labels',
  },
  'a label with no text': { text: JSON.stringify({ ...good, claim: { ...claim, labels: { dr: 1 } } }), field: 'claim.labels' },
  'too many labels': { text: JSON.stringify({ ...good, claim: { ...claim, labels: manyLabels } }), field: 'claim.labels' },
};

for (const [name, { text, field }] of Object.entries(HOSTILE)) {
  test(`refused in what an image says: ${name}`, () => {
    const wrong = readFacts(text, 'v');

    assert.ok(isWrong(wrong), 'it was taken');
    assert.equal(wrong.field, field);
    assert.ok(`${wrong.field}${wrong.message}`.length < 400);
  });
}

test('whatever is cut off or changed in the text, it is read as it was or refused', () => {
  const text = formatFacts('v', FACTS);
  for (let length = 0; length < text.length; length += 1) {
    const cut = readFacts(text.slice(0, length), 'v');
    assert.ok(length === 0 || isWrong(cut));
    const flipped = readFacts(`${text.slice(0, length)}\u0000${text.slice(length + 1)}`, 'v');
    assert.ok(isWrong(flipped));
  }
});

test('facts are what the objects say, and come back as they were', () => {
  const volume = volumeObject('pvc-1', {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'gold',
    persistentVolumeReclaimPolicy: 'Delete',
    csi: { driver: DRIVER, volumeHandle: 'prod/rbd/v', fsType: 'ext4' },
  });
  const facts = factsOf(
    volume,
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'shop', labels: { dr: 'gold' } } },
    FACTS.from,
  );

  assert.deepEqual(facts, FACTS);
  assert.deepEqual(readFacts(formatFacts('v', FACTS), 'v'), FACTS);
  assert.equal(readFacts(formatFacts('v', FACTS), 'clone'), undefined);
});
