/** What each RPC must be given, and which code it has for what is not there: the contract of CSI 1.13, one row a case. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { controllerService, groupControllerService } from '#csi';
import { type Asked, Bed, bedHost, controllerOf, engineOf } from './csi-bed.ts';

const SNWRITER = { mount: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } };
const NODE = 'worker@10.0.0.1';
const { INVALID_ARGUMENT, NOT_FOUND, OK, OUT_OF_RANGE, ABORTED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, UNAUTHENTICATED } = status;

type Row = readonly [method: string, request: object, code: status, named: string];

const volume = { name: 'v', volumeCapabilities: [SNWRITER], parameters: { pool: 'rbd' } };
const size = (requiredBytes: string, limitBytes = '0') => ({ capacityRange: { requiredBytes, limitBytes } });

const cases: Record<string, Row> = {
  'a volume without a name': ['CreateVolume', { ...volume, name: '' }, INVALID_ARGUMENT, 'name'],
  'a volume without capabilities': ['CreateVolume', { ...volume, volumeCapabilities: [] }, INVALID_ARGUMENT, 'volume_capabilities'],
  'a capability without an access mode': [
    'CreateVolume',
    { ...volume, volumeCapabilities: [{ mount: {} }] },
    INVALID_ARGUMENT,
    'access_mode',
  ],
  'a capability without an access type': [
    'CreateVolume',
    { ...volume, volumeCapabilities: [{ accessMode: { mode: 1 } }] },
    INVALID_ARGUMENT,
    'access_type',
  ],
  'a file system for several writers': [
    'CreateVolume',
    { ...volume, volumeCapabilities: [{ mount: {}, accessMode: { mode: 'MULTI_NODE_MULTI_WRITER' } }] },
    INVALID_ARGUMENT,
    'volume_capabilities[0].access_mode',
  ],
  'a file system that we do not make': [
    'CreateVolume',
    { ...volume, volumeCapabilities: [{ mount: { fsType: 'ntfs' }, accessMode: { mode: 1 } }] },
    INVALID_ARGUMENT,
    'fs_type',
  ],
  'a negative size': ['CreateVolume', { ...volume, ...size('-1') }, INVALID_ARGUMENT, 'required_bytes'],
  'a negative limit': ['CreateVolume', { ...volume, ...size('0', '-5') }, INVALID_ARGUMENT, 'limit_bytes'],
  'the largest int64 as a size': ['CreateVolume', { ...volume, ...size('9223372036854775807') }, OUT_OF_RANGE, 'required_bytes'],
  'a limit below the size': ['CreateVolume', { ...volume, ...size('2000000', '1000000') }, OUT_OF_RANGE, 'required_bytes'],
  'a range without a usable size': ['CreateVolume', { ...volume, ...size('4097', '8191') }, OUT_OF_RANGE, 'capacity_range'],
  'no pool': ['CreateVolume', { ...volume, parameters: {} }, INVALID_ARGUMENT, 'pool'],
  'an unknown parameter': ['CreateVolume', { ...volume, parameters: { pool: 'rbd', pol: 'x' } }, INVALID_ARGUMENT, 'pol'],
  'a pool that climbs': ['CreateVolume', { ...volume, parameters: { pool: '../etc' } }, INVALID_ARGUMENT, 'pool'],
  'an immutable parameter among the mutable ones': [
    'CreateVolume',
    { ...volume, mutableParameters: { pool: 'rbd' } },
    INVALID_ARGUMENT,
    'pool',
  ],
  'a user as Ceph shows it': [
    'CreateVolume',
    { ...volume, secrets: { userID: 'client.loligo', userKey: 'AQA=' } },
    UNAUTHENTICATED,
    'userID',
  ],
  'half of the credentials': ['CreateVolume', { ...volume, secrets: { userID: 'kubernetes' } }, UNAUTHENTICATED, 'userKey'],
  'a source snapshot that is none of ours': [
    'CreateVolume',
    { ...volume, volumeContentSource: { snapshot: { snapshotId: 'fake-snapshot' } } },
    NOT_FOUND,
    'snapshot_id',
  ],
  'a source volume that is none of ours': [
    'CreateVolume',
    { ...volume, volumeContentSource: { volume: { volumeId: 'fake-volume' } } },
    NOT_FOUND,
    'volume_id',
  ],
  'a source without an id': ['CreateVolume', { ...volume, volumeContentSource: { volume: {} } }, INVALID_ARGUMENT, 'volume_id'],
  'a source that says nothing': ['CreateVolume', { ...volume, volumeContentSource: {} }, INVALID_ARGUMENT, 'volume_content_source'],
  'a source in another cluster': [
    'CreateVolume',
    { ...volume, volumeContentSource: { volume: { volumeId: 'other/rbd/v' } } },
    INVALID_ARGUMENT,
    'volume_content_source',
  ],
  'a topology that no pool reaches': [
    'CreateVolume',
    {
      ...volume,
      parameters: { topologyPools: '[{"pool":"a","segments":{"zone":"a"}}]' },
      accessibilityRequirements: { requisite: [{ segments: { zone: 'b' } }] },
    },
    RESOURCE_EXHAUSTED,
    'accessibility_requirements',
  ],
  'a deletion without an id': ['DeleteVolume', {}, INVALID_ARGUMENT, 'volume_id'],
  'a deletion of what is none of ours': ['DeleteVolume', { volumeId: 'fake-vol-id' }, OK, ''],
  'a publication without a volume': [
    'ControllerPublishVolume',
    { nodeId: NODE, volumeCapability: SNWRITER },
    INVALID_ARGUMENT,
    'volume_id',
  ],
  'a publication without a node': [
    'ControllerPublishVolume',
    { volumeId: 'prod/rbd/v', volumeCapability: SNWRITER },
    INVALID_ARGUMENT,
    'node_id',
  ],
  'a publication without a capability': [
    'ControllerPublishVolume',
    { volumeId: 'fake', nodeId: 'fake' },
    INVALID_ARGUMENT,
    'volume_capability',
  ],
  'a publication of what is none of ours': [
    'ControllerPublishVolume',
    { volumeId: 'fake', nodeId: NODE, volumeCapability: SNWRITER },
    NOT_FOUND,
    'volume_id',
  ],
  'a publication to a node that is none of ours': [
    'ControllerPublishVolume',
    { volumeId: 'prod/rbd/v', nodeId: 'fake-node', volumeCapability: SNWRITER },
    NOT_FOUND,
    'node_id',
  ],
  'a withdrawal without a volume': ['ControllerUnpublishVolume', { nodeId: NODE }, INVALID_ARGUMENT, 'volume_id'],
  'a withdrawal from a node that is none of ours': [
    'ControllerUnpublishVolume',
    { volumeId: 'prod/rbd/v', nodeId: 'fake' },
    OK,
    '',
  ],
  'a confirmation without a volume': [
    'ValidateVolumeCapabilities',
    { volumeCapabilities: [SNWRITER] },
    INVALID_ARGUMENT,
    'volume_id',
  ],
  'a confirmation of nothing': ['ValidateVolumeCapabilities', { volumeId: 'prod/rbd/v' }, INVALID_ARGUMENT, 'volume_capabilities'],
  'a confirmation for what is none of ours': [
    'ValidateVolumeCapabilities',
    { volumeId: 'fake', volumeCapabilities: [SNWRITER] },
    NOT_FOUND,
    'volume_id',
  ],
  'a negative page of volumes': ['ListVolumes', { maxEntries: -1 }, INVALID_ARGUMENT, 'max_entries'],
  'a token for volumes that is none of ours': ['ListVolumes', { startingToken: 'invalid-token' }, ABORTED, 'starting_token'],
  'a token for snapshots that is none of ours': ['ListSnapshots', { startingToken: 'gone/rbd//v' }, ABORTED, 'starting_token'],
  'a token for health that is none of ours': ['ControllerListVolumeHealth', { startingToken: ';' }, ABORTED, 'starting_token'],
  'a volume that is none of ours': ['ControllerGetVolume', { volumeId: 'fake' }, NOT_FOUND, 'volume_id'],
  'the health of what is none of ours': ['ControllerGetVolumeHealth', { volumeId: 'fake' }, NOT_FOUND, 'volume_id'],
  'the health of nothing': ['ControllerGetVolumeHealth', {}, INVALID_ARGUMENT, 'volume_id'],
  'a change without a volume': [
    'ControllerModifyVolume',
    { mutableParameters: { maxCloneDepth: '3' } },
    INVALID_ARGUMENT,
    'volume_id',
  ],
  'a change of what is none of ours': [
    'ControllerModifyVolume',
    { volumeId: 'fake', mutableParameters: { maxCloneDepth: '3' } },
    NOT_FOUND,
    'volume_id',
  ],
  'a change of what cannot change': [
    'ControllerModifyVolume',
    { volumeId: 'prod/rbd/v', mutableParameters: { XXX_FakeKey: 'x' } },
    INVALID_ARGUMENT,
    'XXX_FakeKey',
  ],
  'an expansion without a volume': ['ControllerExpandVolume', size('1'), INVALID_ARGUMENT, 'volume_id'],
  'an expansion without a size': ['ControllerExpandVolume', { volumeId: 'prod/rbd/v' }, INVALID_ARGUMENT, 'capacity_range'],
  'an expansion of what is none of ours': ['ControllerExpandVolume', { volumeId: 'fake', ...size('4096') }, NOT_FOUND, 'volume_id'],
  'a snapshot without a name': ['CreateSnapshot', { sourceVolumeId: 'prod/rbd/v' }, INVALID_ARGUMENT, 'name'],
  'a snapshot of nothing': ['CreateSnapshot', { name: 's' }, INVALID_ARGUMENT, 'source_volume_id'],
  'a snapshot of what is none of ours': ['CreateSnapshot', { name: 's', sourceVolumeId: 'fake' }, NOT_FOUND, 'source_volume_id'],
  'a parameter of a snapshot class': [
    'CreateSnapshot',
    { name: 's', sourceVolumeId: 'prod/rbd/v', parameters: { pool: 'x' } },
    INVALID_ARGUMENT,
    'pool',
  ],
  'a snapshot deleted without an id': ['DeleteSnapshot', {}, INVALID_ARGUMENT, 'snapshot_id'],
  'a snapshot deleted that is none of ours': ['DeleteSnapshot', { snapshotId: 'reallyfakesnapshotid' }, OK, ''],
  'a snapshot that is none of ours': ['GetSnapshot', { snapshotId: 'fake' }, NOT_FOUND, 'snapshot_id'],
  'a group without a name': ['CreateVolumeGroupSnapshot', { sourceVolumeIds: ['prod/rbd/v'] }, INVALID_ARGUMENT, 'name'],
  'a group of nothing': ['CreateVolumeGroupSnapshot', { name: 'g' }, INVALID_ARGUMENT, 'source_volume_ids'],
  'a group over two clusters': [
    'CreateVolumeGroupSnapshot',
    { name: 'g', sourceVolumeIds: ['prod/rbd/v', 'test/rbd/v'] },
    FAILED_PRECONDITION,
    'different clusters',
  ],
  'a group that is none of ours': ['GetVolumeGroupSnapshot', { groupSnapshotId: 'fake' }, NOT_FOUND, 'group_snapshot_id'],
  'a group deleted without an id': ['DeleteVolumeGroupSnapshot', {}, INVALID_ARGUMENT, 'group_snapshot_id'],
  'a group deleted that is none of ours': ['DeleteVolumeGroupSnapshot', { groupSnapshotId: 'fake-vol-id' }, OK, ''],
};

for (const [name, [method, request, code, named]] of Object.entries(cases)) {
  test(`${name}: ${method} answers ${status[code]} and asks nothing of Ceph`, async () => {
    const asked: Asked[] = [];
    const host = bedHost();
    const controller = controllerOf(engineOf({}, asked));
    await using bed = await Bed.serving(controllerService(host, controller), groupControllerService(host, controller));

    const answered = await bed.call(method, request);

    assert.equal(status[answered.code], status[code], answered.details);
    assert.ok(answered.details.includes(named), answered.details);
    assert.deepEqual(asked, []);
    assert.equal(host.locks.size, 0);
  });
}
