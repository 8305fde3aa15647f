/** ValidateVolumeCapabilities confirms of a request what it compared with the image, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DriverBed } from '../support/driver-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

type Texts = Readonly<Record<string, string>>;

interface Said {
  readonly parameters?: Texts;
  readonly mutableParameters?: Texts;
  readonly volumeContext?: Texts;
}

const CAPABILITIES = [{ mount: { fsType: 'ext4' }, accessMode: { mode: 'SINGLE_NODE_WRITER' } }];
const LAYOUT = { objectSize: '8Mi', stripeUnit: '64Ki', stripeCount: '4', features: 'layering,exclusive-lock' };

/** What is not so of the volume, and the word that the answer has for it. */
const OTHERWISE: Readonly<Record<string, readonly [Said, RegExp]>> = {
  'another pool': [{ parameters: { pool: 'otherpool' } }, /another pool/],
  'another namespace': [{ parameters: { namespace: 'other' } }, /another namespace/],
  'another cluster': [{ parameters: { cluster: 'other' } }, /another cluster/],
  'a data pool': [{ parameters: { dataPool: 'other' } }, /another dataPool/],
  'other pools by topology': [
    { parameters: { topologyPools: '[{"pool":"other","segments":{"zone":"a"}}]' } },
    /another topologyPools/,
  ],
  'another object size': [{ parameters: { objectSize: '32Mi' } }, /another objectSize/],
  'other stripes': [{ parameters: { stripeUnit: '32Ki', stripeCount: '8' } }, /another stripeUnit, stripeCount/],
  'other features': [{ parameters: { features: 'layering' } }, /another features/],
  encryption: [{ parameters: { encrypted: 'true' } }, /another encrypted/],
  'encryption in the context': [{ volumeContext: { encrypted: 'true' } }, /another encrypted/],
  'two that differ': [{ parameters: { pool: 'otherpool', objectSize: '32Mi' } }, /another pool, objectSize/],
  'another retention': [{ mutableParameters: { deleteRetention: '2h' } }, /another deleteRetention/],
  'another limit': [{ mutableParameters: { rbd_qos_iops_limit: '7' } }, /another rbd_qos_iops_limit/],
  'a mapper that is none': [{ volumeContext: { mapper: 'nonsense' } }, /mapper/],
  'map options of the other mapper': [{ volumeContext: { mapper: 'userspace', mapOptions: 'queue_depth=1' } }, /mapOptions/],
  'a parameter that is none': [{ parameters: { pol: 'rbd' } }, /"pol"/],
};

test('what differs from the image is not confirmed, and named; what was compared is confirmed, and only that', async (t) => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  const place: Texts = Object(bed.volume('any')).parameters;
  const limits = { rbd_qos_iops_limit: '100', deleteRetention: '1h' };
  const volumeId = await bed.create('v', { parameters: { ...place, ...LAYOUT }, mutableParameters: limits });
  const ask = (said: Said) => bed.csi.call('ValidateVolumeCapabilities', { volumeId, volumeCapabilities: CAPABILITIES, ...said });

  for (const [name, [said, word]] of Object.entries(OTHERWISE)) {
    await t.test(`${name} is not confirmed`, async () => {
      const { confirmed, message } = await ask(said);

      assert.equal(confirmed, null);
      assert.match(message, word);
    });
  }
  const unseen = { mapper: 'userspace', deleteRetention: '5h', 'csi.storage.k8s.io/pvc/name': 'data' };
  const context = { mapper: 'userspace', mapOptions: 'rbd_readahead_max_bytes=0' };
  const { confirmed } = await ask({
    parameters: { ...place, ...LAYOUT, ...unseen },
    mutableParameters: limits,
    volumeContext: { ...context, 'storage.kubernetes.io/csiProvisionerIdentity': 'p' },
  });

  assert.deepEqual(confirmed.parameters, { ...place, ...LAYOUT });
  assert.deepEqual(confirmed.mutableParameters, limits);
  assert.deepEqual(confirmed.volumeContext, context);
  assert.equal(confirmed.volumeCapabilities.length, 1);
  await bed.csi.call('ControllerModifyVolume', { volumeId, mutableParameters: { deleteRetention: '0' } });
});
