/** A CSI request written by hand: what is misspelt in it is refused by name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRequest } from '../../scripts/check-request.ts';

const REFUSED: Readonly<Record<string, readonly [method: string, request: unknown, says: RegExp]>> = {
  'a field that is misspelt': ['CreateVolume', { name: 'v', capacity: {} }, /^capacity is unknown; .*capacityRange/],
  'a field inside': ['CreateVolume', { capacityRange: { required_bytes: 1 } }, /^capacityRange\.required_bytes is unknown/],
  'a number with a unit': [
    'CreateVolume',
    { capacityRange: { requiredBytes: '1Gi' } },
    /^capacityRange\.requiredBytes is not a whole/,
  ],
  'a broken number': ['CreateVolume', { capacityRange: { requiredBytes: 1.5 } }, /^capacityRange\.requiredBytes/],
  'a number that JSON has rounded': [
    'CreateVolume',
    { capacityRange: { requiredBytes: 2 ** 60 } },
    /^capacityRange\.requiredBytes/,
  ],
  'a word that is none': [
    'CreateVolume',
    { volumeCapabilities: [{ accessMode: { mode: 'ReadWriteOnce' } }] },
    /^volumeCapabilities\[0\]\.accessMode\.mode is none of .*SINGLE_NODE_WRITER/,
  ],
  'one where a list is': ['CreateVolume', { volumeCapabilities: {} }, /^volumeCapabilities is not a list/],
  'a number where text is': ['CreateVolume', { parameters: { maxCloneDepth: 3 } }, /^parameters\.maxCloneDepth is not text/],
  'text where true or false is': ['ControllerPublishVolume', { readonly: 'yes' }, /^readonly is neither/],
  'no object': ['CreateVolume', [], /^the request is not an object/],
  'a method that is none': ['MakeVolume', {}, /no method MakeVolume/],
};

for (const [name, [method, request, says]] of Object.entries(REFUSED)) {
  test(`${name} is refused`, () => assert.throws(() => checkRequest(method, request), { message: says }));
}

test('a request as the protocol has it is taken', () => {
  checkRequest('CreateVolume', {
    name: 'v',
    capacityRange: { requiredBytes: '67108864', limitBytes: 0 },
    volumeCapabilities: [{ mount: { fsType: 'xfs', mountFlags: ['noatime'] }, accessMode: { mode: 'SINGLE_NODE_WRITER' } }],
    parameters: { pool: 'rbd' },
    volumeContentSource: { snapshot: { snapshotId: 'c/p/v@s' } },
  });
  checkRequest('Probe', {});
});
