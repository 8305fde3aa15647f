import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { Failure, type FailureKind, isUnsettled } from '#lib/failure';
import { CODES, toStatus } from '../../src/csi/status.ts';

/** What external-provisioner and kubelet take as "may still be going on". */
const OPEN = [status.CANCELLED, status.DEADLINE_EXCEEDED, status.UNAVAILABLE, status.ABORTED];

for (const kind of Object.keys(CODES) as FailureKind[]) {
  test(`a failure of kind ${kind} says by its code whether it is final`, () => {
    const failure = new Failure(kind, 'SOME_REASON', 'what happened');

    const { code, details } = toStatus(failure);

    assert.equal(details, 'SOME_REASON: what happened');
    if (isUnsettled(failure)) assert.ok(OPEN.includes(code), `${kind} leaves the outcome open, and ${status[code]} is final`);
    assert.ok(![status.INTERNAL, status.UNKNOWN, status.OK].includes(code));
  });
}

test('what is no failure is not final, and its text stays in the log', () => {
  const { code, details } = toStatus(new Error('password is hunter2'));

  assert.ok(OPEN.includes(code));
  assert.ok(!details.includes('hunter2'));
});
