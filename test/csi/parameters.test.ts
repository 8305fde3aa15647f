import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { parametersPage } from '#csi';
import { Failure } from '#lib/failure';
import { changesOf, layoutOf, mutableOf } from '../../src/csi/parameters/layout.ts';
import { readLabels, readMutableParameters, readParameters } from '../../src/csi/parameters/read-parameters.ts';
import { contextOf } from '../../src/csi/parameters/staging.ts';
import { PARAMETERS } from '../../src/csi/parameters/table.ts';

const refused: Record<string, Record<string, string>> = {
  'an unknown key': { pol: 'rbd' },
  'a key of an object': { constructor: 'x' },
  'a cluster with a slash': { cluster: 'a/b' },
  'an empty pool': { pool: '' },
  'a pool with a quote': { pool: "a'b" },
  'a pool that is a path': { pool: '..' },
  'a namespace with a blank': { namespace: 'a b' },
  'a data pool with a semicolon': { dataPool: 'a;b' },
  'an object size that is no power of two': { objectSize: '3Mi' },
  'an object size below 4Ki': { objectSize: '2Ki' },
  'an object size above 32Mi': { objectSize: '64Mi' },
  'a size without digits': { objectSize: 'Mi' },
  'a negative size': { objectSize: '-4Mi' },
  'an unknown unit': { objectSize: '4Zi' },
  'an unknown feature': { features: 'layering,speed' },
  'object-map without exclusive-lock': { features: 'layering,object-map' },
  'fast-diff without object-map': { features: 'layering,exclusive-lock,fast-diff' },
  'journaling without exclusive-lock': { features: 'layering,journaling' },
  'features without layering': { features: 'exclusive-lock' },
  'a flag that is neither': { flatten: 'yes' },
  'a depth beyond the bound': { maxCloneDepth: '17' },
  'a depth that is no number': { maxCloneDepth: '1e1' },
  'a duration without a unit': { deleteRetention: '30' },
  'a duration beyond ten years': { deleteRetention: '9999d' },
  'a mapper that is not there': { mapper: 'magic' },
  'map options that are no pairs': { mapOptions: 'a;b' },
  'mkfs options with a path': { mkfsOptions: '-J device=/dev/sda' },
  'a limit that is no number': { rbd_qos_iops_limit: 'many' },
  'a limit that librbd does not have': { rbd_qos_iops_maximum: '1' },
  'pools by topology that are not JSON': { topologyPools: 'a=b' },
  'pools by topology that are no list': { topologyPools: '{}' },
  'a pool by topology without segments': { topologyPools: '[{"pool":"a","segments":{}}]' },
  'a pool by topology with an unknown field': { topologyPools: '[{"pool":"a","segments":{"z":"a"},"weight":1}]' },
  'a pool by topology whose segment is no text': { topologyPools: '[{"pool":"a","segments":{"z":1}}]' },
};

for (const [name, given] of Object.entries(refused)) {
  test(`${name} is refused, and the key is named`, () => {
    const [key = ''] = Object.keys(given);

    assert.throws(
      () => readParameters(given),
      (error) => error instanceof Failure && error.kind === 'invalid' && error.message.includes(key),
    );
  });
}

test('a class that says everything is read whole', () => {
  const { values, qos, labels } = readParameters({
    cluster: 'prod',
    pool: 'rbd',
    namespace: 'tenant-a',
    dataPool: 'ec',
    objectSize: '8Mi',
    stripeUnit: '64Ki',
    stripeCount: '4',
    features: 'layering, exclusive-lock',
    flatten: 'true',
    maxCloneDepth: '3',
    deleteRetention: '7d',
    mapper: 'userspace',
    mapOptions: 'queue_depth=64',
    mkfsOptions: '-m 0',
    rbd_qos_iops_limit: '500',
    rbd_qos_read_bps_burst: '10Mi',
    'csi.storage.k8s.io/pvc/name': 'data',
    'csi.storage.k8s.io/pvc/namespace': 'web',
    'csi.storage.k8s.io/fstype': 'xfs',
  });

  assert.deepEqual(layoutOf(values, 'ec'), {
    dataPool: 'ec',
    objectSize: 8n * 2n ** 20n,
    stripeUnit: 65536n,
    stripeCount: 4n,
    features: ['layering', 'exclusive-lock'],
  });
  assert.equal(values.deleteRetention, 7 * 86_400);
  assert.deepEqual(qos, { rbd_qos_iops_limit: '500', rbd_qos_read_bps_burst: '10485760' });
  assert.deepEqual(labels, { 'pvc/name': 'data', 'pvc/namespace': 'web' });
  assert.deepEqual(contextOf(values), { mapper: 'userspace', mapOptions: 'queue_depth=64', mkfsOptions: '-m 0' });
});

test('striping needs both of its parameters and a unit that divides the object', () => {
  const layout = (given: Record<string, string>) => () => layoutOf(readParameters(given).values, '');

  assert.throws(layout({ stripeUnit: '64Ki' }), /stripeUnit is given without stripeCount/);
  assert.throws(layout({ stripeCount: '4' }), /stripeCount is given without stripeUnit/);
  assert.throws(layout({ stripeCount: '4', stripeUnit: '3000' }), /stripeUnit does not divide/);
});

test('an attributes class counts before the storage class, and that before the defaults', () => {
  const storage = readParameters({ deleteRetention: '1h', rbd_qos_iops_limit: '1', rbd_qos_bps_limit: '9' });
  const attributes = readMutableParameters({ deleteRetention: '2h', rbd_qos_iops_limit: '2' });

  const mutable = mutableOf(storage, attributes);

  assert.deepEqual(mutable, {
    deleteRetention: 7200,
    maxCloneDepth: 5,
    qos: { rbd_qos_iops_limit: '2', rbd_qos_bps_limit: '9' },
  });
});

test('a change names only what it changes', () => {
  assert.deepEqual(changesOf(readMutableParameters({ maxCloneDepth: '0' })), { maxCloneDepth: 0 });
});

for (const [key, row] of Object.entries(PARAMETERS)) {
  const mutable = 'mutable' in row;
  test(`${key} ${mutable ? 'may' : 'may not'} be changed later`, () => {
    const value = mutable ? '0' : 'x';

    if (mutable) assert.doesNotThrow(() => readMutableParameters({ [key]: value }));
    else assert.throws(() => readMutableParameters({ [key]: value }), new RegExp(`parameter ${key} cannot be changed later`));
  });
}

test('a snapshot class has labels and nothing else', () => {
  assert.deepEqual(readLabels({ 'csi.storage.k8s.io/volumesnapshot/name': 's' }), { 'volumesnapshot/name': 's' });
  assert.throws(() => readLabels({ pool: 'rbd' }), /parameter "pool" is unknown/);
});

test('whatever a class says, it is read or refused as invalid', () => {
  const key = fc.oneof(fc.constantFrom(...Object.keys(PARAMETERS), 'rbd_qos_iops_limit', '__proto__'), fc.string());
  const value = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json());

  fc.assert(
    fc.property(fc.dictionary(key, value), (given) => {
      try {
        const { values } = readParameters(given);
        layoutOf(values, '');
      } catch (error) {
        assert.ok(error instanceof Failure && error.kind === 'invalid', String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('docs/parameters.md says what the table says', () => {
  const page = readFileSync(new URL('../../docs/parameters.md', import.meta.url), 'utf8');

  assert.equal(page, parametersPage(), 'run make update');
});
