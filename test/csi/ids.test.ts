import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatGroup, parseGroup } from '#lib/handle';
import { formatNodeId, parseNodeId } from '#lib/node-id';
import { parseDuration, parseSize } from '#lib/quantity';

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,10}$/);

test('a node id is read back as it was written', () => {
  const addresses = fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 4 });

  fc.assert(
    fc.property(name, addresses, (node, list) => {
      assert.deepEqual(parseNodeId(formatNodeId({ name: node, addresses: list })), { name: node, addresses: list });
    }),
  );
});

for (const text of [
  '',
  'fake-node-id',
  'n@',
  '@10.0.0.1',
  'n@10.0.0',
  'n@10.0.0.1,',
  'n@10.0.0.1@10.0.0.2',
  'n/x@10.0.0.1',
  `n@${'1.1.1.1,'.repeat(40)}1.1.1.1`,
]) {
  test(`${JSON.stringify(text.slice(0, 30))} is no node id`, () => {
    assert.equal(parseNodeId(text), undefined);
  });
}

test('a group snapshot id is read back as it was written', () => {
  fc.assert(
    fc.property(fc.tuple(name, name, fc.option(name, { nil: '' }), name), ([cluster, pool, namespace, group]) => {
      const handle = { cluster, pool, namespace, group };

      assert.deepEqual(parseGroup(formatGroup(handle)), handle);
    }),
  );
});

for (const text of ['', 'a', 'a/b', 'a/b/c/d/e', 'a//c', 'a/b/../c', 'a/b/c@d', `a/b/${'x'.repeat(48)}`, `${'x'.repeat(60)}/b/c`]) {
  test(`${JSON.stringify(text.slice(0, 30))} is no group snapshot id`, () => {
    assert.equal(parseGroup(text), undefined);
  });
}

test('sizes and durations are read as people write them', () => {
  const sizes = ['0', '4096', '4Ki', '4Mi', '1Gi', '1G', '2Ti', '', '-1', '1.5Gi', '4mi', '4 Mi', '0x10', 'toString'].map(
    parseSize,
  );
  const durations = ['0', '30s', '30m', '24h', '7d', '', '30', '-1m', '1w', '1.5h'].map(parseDuration);

  const none = undefined;
  assert.deepEqual(sizes, [0n, 4096n, 4096n, 4194304n, 2n ** 30n, 10n ** 9n, 2n ** 41n, none, none, none, none, none, none, none]);
  assert.deepEqual(durations, [0, 30, 1800, 86_400, 604_800, none, none, none, none, none]);
});
