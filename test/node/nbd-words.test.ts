/** What rbd-nbd says, and what it is taken for. The texts are its own, of Ceph 16.2.15. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readComplaint } from '../../src/node/nbd/complaint.ts';
import { showsCookies } from '../../src/node/nbd/devices.ts';

const STAMP = '2026-11-23T03:29:47.487+0000 7fef873abfc0';
const cases: Record<string, { complaint: string; reason: string | undefined }> = {
  'a lock that another client holds': {
    complaint: `rbd-nbd: failed to acquire exclusive lock: (30) Read-only file system\n${STAMP} -1 librbd: failed to request exclusive lock: (30) Read-only file system\n`,
    reason: 'IMAGE_READ_ONLY',
  },
  'monitors that say nothing': {
    complaint: `${STAMP}  0 monclient(hunting): authenticate timed out after 20\n`,
    reason: 'CLUSTER_UNREACHABLE',
  },
  'a key that is refused': {
    complaint: `${STAMP} -1 monclient(hunting): handle_auth_bad_method server allowed_methods [2] but i only support [2,1]\n`,
    reason: 'KEY_REFUSED',
  },
  nothing: { complaint: `${STAMP}  0 pidfile_write: ignore empty --pid-file\n`, reason: undefined },
};
for (const [what, { complaint, reason }] of Object.entries(cases)) {
  test(`of rbd-nbd is understood: ${what}`, () => assert.equal(readComplaint(complaint, { user: 'loligo' })?.reason, reason));
}

test('kernels from 5.14 on show cookies', () => {
  assert.deepEqual(['4.18.0-553', '5.13.9', '5.14.0-70.el9', '6.1.0-37-amd64'].map(showsCookies), [false, false, true, true]);
});
