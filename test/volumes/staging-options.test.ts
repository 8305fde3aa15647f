/** What only a node uses of a class is refused when the volume is made: what the volume keeps is never changed later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, DriverBed } from '../support/driver-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

interface Case {
  readonly given: Readonly<Record<string, string>>;
  readonly fsType?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly says: RegExp;
}

const REFUSED: Readonly<Record<string, Case>> = {
  'an option of the other mapper': { given: { mapper: 'userspace', mapOptions: 'queue_depth=1' }, says: /mapOptions.*queue_depth/ },
  'a value that the mapper does not take': {
    given: { mapper: 'krbd', mapOptions: 'queue_depth=abc' },
    says: /mapOptions.*queue_depth/,
  },
  'a value that no mapper takes': { given: { mapOptions: 'queue_depth=abc' }, says: /mapOptions.*queue_depth/ },
  'options of two mappers': { given: { mapOptions: 'queue_depth=1,rbd_readahead_max_bytes=1' }, says: /mapOptions/ },
  'an option of the other file system': { given: { mkfsOptions: '-K' }, fsType: 'ext4', says: /mkfsOptions.*-K.*ext4/ },
  'an option of the other file system than the standard one': { given: { mkfsOptions: '-K' }, fsType: '', says: /mkfsOptions.*-K/ },
  'an option that wants a value': { given: { mkfsOptions: '-m' }, fsType: 'ext4', says: /mkfsOptions.*-m.*value/ },
  'a limit with the kernel': {
    given: { mapper: 'krbd', rbd_qos_iops_limit: '100' },
    says: /LIMIT_WITHOUT_EFFECT.*rbd_qos_iops_limit.*krbd/,
  },
  'a limit of the attributes class with the kernel': {
    given: { mapper: 'krbd' },
    attributes: { rbd_qos_write_bps_limit: '1Mi' },
    says: /LIMIT_WITHOUT_EFFECT.*rbd_qos_write_bps_limit.*krbd/,
  },
};

const TAKEN: Readonly<Record<string, Omit<Case, 'says'>>> = {
  'kernel-options': { given: { mapper: 'krbd', mapOptions: 'queue_depth=1,crc=false' } },
  'options-of-some-mapper': { given: { mapOptions: 'rbd_readahead_max_bytes=0' } },
  'xfs-options': { given: { mkfsOptions: '-K' }, fsType: 'xfs' },
  'no-limit': { given: { mapper: 'krbd', rbd_qos_iops_limit: '0' } },
  'a-limit': { given: { mapper: 'userspace', rbd_qos_iops_limit: '100' } },
};

test('CreateVolume refuses what no node could stage, or what would have no effect, names it and makes nothing', async (t) => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);

  for (const [name, { says, ...wanted }] of Object.entries(REFUSED)) {
    await t.test(name, async () => {
      const { status, details } = await answerOf(bed.csi.call('CreateVolume', requestFor(bed, 'refused', wanted)));

      assert.equal(status, 'INVALID_ARGUMENT', details);
      assert.match(details, says);
    });
  }
  const made = await pool.images();
  for (const [name, wanted] of Object.entries(TAKEN)) await bed.create(name, requestFor(bed, name, wanted));
  const limits = { rbd_qos_iops_limit: '100', maxCloneDepth: '3' };
  const change = (name: string) =>
    answerOf(bed.csi.call('ControllerModifyVolume', { volumeId: bed.handle(name), mutableParameters: limits }));
  const [ofKernel, ofLibrbd, ofAny] = [await change('no-limit'), await change('a-limit'), await change('xfs-options')];
  // A raw device has no file system to make, whatever its class says.
  await bed.create('block', { parameters: { ...parametersOf(bed), mkfsOptions: '-K' } });

  assert.deepEqual(made, []);
  assert.equal(ofKernel.status, 'INVALID_ARGUMENT', ofKernel.details);
  assert.match(ofKernel.details, /LIMIT_WITHOUT_EFFECT.*rbd_qos_iops_limit.*krbd/);
  assert.deepEqual([ofLibrbd.status, ofAny.status], ['OK', 'OK'], 'where it works, and where nobody knows');
  assert.equal(await pool.rbd('image-meta', 'get', 'a-limit', 'conf_rbd_qos_iops_limit'), '100\n');
  assert.deepEqual(await pool.images(), [...Object.keys(TAKEN), 'block'].sort());
});

function parametersOf(bed: DriverBed): object {
  return Object(bed.volume('any')).parameters;
}

function requestFor(bed: DriverBed, name: string, { given, fsType = 'ext4', attributes = {} }: Omit<Case, 'says'>): object {
  return bed.volume(name, {
    parameters: { ...parametersOf(bed), ...given },
    mutableParameters: attributes,
    volumeCapabilities: [{ mount: { fsType }, accessMode: { mode: 'SINGLE_NODE_WRITER' } }],
  });
}
