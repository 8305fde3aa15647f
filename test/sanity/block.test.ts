import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedCeph } from '../support/shared-ceph.ts';
import { failures, runSanity } from './run-sanity.ts';

test('csi-sanity finds no fault with block volumes, skips nothing, and leaves nothing on the node', async () => {
  const ceph = sharedCeph();

  const { output, counts, leftovers } = await runSanity(ceph, 'block');

  assert.deepEqual(failures(output), []);
  assert.deepEqual(counts, { passed: 102, failed: 0, pending: 1, skipped: 0 });
  assert.deepEqual(leftovers, []);
});
