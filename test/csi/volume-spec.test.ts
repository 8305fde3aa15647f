import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestType } from '../../src/csi/definitions.ts';
import { readBytes, writeBytes } from '../../src/csi/int64.ts';
import { redact } from '../../src/csi/redact.ts';
import { readRange, sizeOfRange } from '../../src/csi/request/capacity-range.ts';
import { checkReach, choosePool } from '../../src/csi/request/topology.ts';

const MiB = 2n ** 20n;
const range = (required: bigint, limit = 0n) => ({ requiredBytes: String(required), limitBytes: String(limit) });

const sizes: Record<string, { required: bigint; limit: bigint; size: bigint }> = {
  'no wish is 1 GiB': { required: 0n, limit: 0n, size: 1024n * MiB },
  'a limit below 1 GiB is the size': { required: 0n, limit: 10n * MiB, size: 10n * MiB },
  'a limit that is no whole MiB is rounded down': { required: 0n, limit: 10n * MiB + 5n, size: 10n * MiB },
  'a size is rounded up to whole MiB': { required: 10n * MiB + 1n, limit: 0n, size: 11n * MiB },
  'a limit between keeps the finer step': { required: 10n * MiB + 1n, limit: 10n * MiB + 8192n, size: 10n * MiB + 4096n },
  'a size that is its own limit stays': { required: 8192n, limit: 8192n, size: 8192n },
  'a size past 2^53 loses no byte': { required: 2n ** 53n + MiB, limit: 0n, size: 2n ** 53n + MiB },
};
for (const [name, { required, limit, size }] of Object.entries(sizes)) {
  test(`of a capacity range: ${name}`, () => {
    assert.equal(sizeOfRange('capacity_range', readRange('capacity_range', range(required, limit))), size);
  });
}

const A = { pool: 'a', dataPool: '', segments: { zone: 'a' } };
const B = { pool: 'b', dataPool: 'b-ec', segments: { zone: 'b' } };
const at = (zone: string) => ({ segments: { zone, host: `${zone}1` } });

test('the first preferred topology chooses the pool, then the next, then what is allowed', () => {
  const preferB = choosePool([A, B], { preferred: [at('b'), at('a')], requisite: [at('a')] });
  const nextBest = choosePool([A, B], { preferred: [at('c')], requisite: [at('c'), at('b')] });
  const noWish = choosePool([A, B], null);

  assert.deepEqual([preferB?.pool, nextBest?.pool, noWish?.pool], ['b', 'b', 'a']);
});

test('a wish that no pool fulfils is refused, unless pools are reached from everywhere', () => {
  assert.throws(() => choosePool([A, B], { preferred: [], requisite: [at('c')] }), /TOPOLOGY|cannot be reached/);
  assert.throws(() => checkReach([A], { preferred: [], requisite: [at('b')] }), /cannot be reached/);
  assert.doesNotThrow(() => checkReach([], { preferred: [], requisite: [at('b')] }));
});

test('every field that the protocol marks as secret is hidden from the log, in every request', () => {
  const secret = { userKey: 'AQsecret==' };
  const methods = ['CreateVolume', 'NodeStageVolume', 'NodeExpandVolume', 'GetMetadataDelta', 'CreateVolumeGroupSnapshot'];
  for (const method of methods) {
    const shown = redact(requestType(method), { secrets: secret, name: 'v' });

    assert.equal(shown['secrets'], '***', method);
  }
});

test('a field that is not secret is in the log as it is', () => {
  const shown = redact(requestType('CreateVolume'), {
    name: 'v',
    parameters: { pool: 'rbd' },
    volumeCapabilities: [{ mount: { fsType: 'xfs' } }],
  });

  assert.deepEqual(shown, { name: 'v', parameters: { pool: 'rbd' }, volumeCapabilities: [{ mount: { fsType: 'xfs' } }] });
});

test('bytes go over the wire and back without a digit lost', () => {
  assert.equal(readBytes('f', '9223372036854775807'), 2n ** 63n - 1n);
  assert.equal(writeBytes(2n ** 63n - 1n), '9223372036854775807');
  assert.equal(writeBytes(2n ** 64n), '9223372036854775807');
});
