/** What is said to the kernel's client, and read from it, by pure functions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '#lib/failure';
import { featureNames } from '../../src/node/krbd/add-failure.ts';
import { addLine, labelIn } from '../../src/node/krbd/add-line.ts';
import { checkOptions } from '../../src/node/krbd/options.ts';
import type { MapSpec } from '../../src/node/mapper.ts';

const spec: MapSpec = {
  image: { pool: 'rbd', namespace: '', image: 'v' },
  readonly: false,
  exclusive: true,
  options: {},
  encryption: undefined,
  connection: { cluster: 'prod', site: 'east', monitors: ['10.0.0.1:6789'], user: 'loligo', key: 'c2VjcmV0' },
};
const both = { ...spec.connection, monitors: ['[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0]', '[v2:[fd00::1]:3300,v1:[fd00::1]:6789]'] };

const lines: Record<string, readonly [MapSpec, string]> = {
  'an image': [spec, '10.0.0.1:6789 name=loligo,key=label,mount_timeout=20 rbd v -'],
  'an image in a namespace, for readers': [
    { ...spec, image: { ...spec.image, namespace: 'ns' }, readonly: true },
    '10.0.0.1:6789 name=loligo,key=label,mount_timeout=20,_pool_ns=ns,ro rbd v -',
  ],
  'the first protocol where monitors have both': [
    { ...spec, connection: both },
    '10.0.0.1:6789,[fd00::1]:6789 name=loligo,key=label,mount_timeout=20 rbd v -',
  ],
  'the second protocol for a mode of it': [
    { ...spec, connection: both, options: { ms_mode: 'secure' } },
    '10.0.0.1:3300,[fd00::1]:3300 name=loligo,key=label,mount_timeout=20,ms_mode=secure rbd v -',
  ],
  'the second protocol where monitors have no other': [
    { ...spec, connection: { ...both, monitors: ['10.0.0.1:3300'] } },
    '10.0.0.1:3300 name=loligo,key=label,mount_timeout=20,ms_mode=prefer-crc rbd v -',
  ],
  'switches by their names alone': [
    { ...spec, options: { exclusive: 'true', notrim: 'false', crc: 'false', tcp_nodelay: 'true', queue_depth: '64' } },
    '10.0.0.1:6789 name=loligo,key=label,mount_timeout=20,exclusive,nocrc,queue_depth=64 rbd v -',
  ],
};
for (const [name, [wanted, line]] of Object.entries(lines)) {
  test(`what the kernel is told: ${name}`, () => assert.equal(addLine('label', wanted, 'shared'), line));
}

test('a device is known by the name of its key', () => {
  assert.match(addLine('label', spec, 'own'), /,noshare rbd v -$/);
  assert.equal(labelIn(addLine('loligo.0123', spec, 'shared')), 'loligo.0123');
  assert.equal(labelIn('10.0.0.1:6789 name=admin,key=client.admin,queue_depth=1 rbd v -'), 'client.admin');
  assert.equal(labelIn('10.0.0.1:6789 name=admin,secret=AQ==,monkey=1 rbd v -'), '');
});

test('a mode that no monitor address serves is refused with the port that is missing', () => {
  const wanted = { ...spec, options: { ms_mode: 'crc' } };

  assert.throws(() => addLine('label', wanted, 'shared'), { reason: 'MONITOR_ADDRESS_MISSING', message: /3300/ });
});

for (const options of [
  { read_from_replica: 'localize', crush_location: 'zone:a|host:b-1' },
  { ms_mode: 'prefer-crc', queue_depth: '1024', lock_on_read: 'true', compression_hint: 'none' },
]) {
  test(`mapOptions ${JSON.stringify(options)} are the kernel's`, () => checkOptions(options));
}

for (const options of [
  { osd_request_timeout: '5' },
  { secret: 'AQ' },
  { key: 'other' },
  { rbd_cache: 'true' },
  { queue_depth: '0' },
  { ms_mode: 'fast' },
  { exclusive: 'yes' },
  { crush_location: 'zone=a' },
]) {
  test(`mapOptions ${JSON.stringify(options)} are refused`, () => {
    assert.throws(
      () => checkOptions(options),
      (error) => error instanceof Failure && error.kind === 'invalid',
    );
  });
}

test('features are named by their bits', () => {
  assert.deepEqual(featureNames(0x240n), ['journaling', 'migrating']);
  assert.deepEqual(featureNames(1n << 13n), ['number 13']);
  assert.deepEqual(featureNames(0n), []);
});
