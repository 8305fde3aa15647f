import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../src/lib/failure.ts';
import { type Condition, mergeConditions } from '../../src/operator/runtime/conditions.ts';
import { camelCase } from '../../src/operator/runtime/controller.ts';
import { KubeError } from '../../src/operator/runtime/kube-error.ts';
import { retryOf, toFailure } from '../../src/operator/runtime/outcome.ts';

const answers: Record<string, { error: unknown; kind: string; reason: string; retry: string }> = {
  'no answer is tried again': { error: kubeError(0, ''), kind: 'unreachable', reason: 'API_SERVER_SILENT', retry: 'retry' },
  'a writer who was faster is no failure that lasts': {
    error: kubeError(409, 'Conflict'),
    kind: 'busy',
    reason: 'API_SERVER_REFUSED',
    retry: 'retry',
  },
  'a right that is missing is looked at now and then': {
    error: kubeError(403, 'Forbidden'),
    kind: 'denied',
    reason: 'API_SERVER_REFUSED',
    retry: 'slow',
  },
  'a server that has enough to do is asked again': {
    error: kubeError(429, 'TooManyRequests'),
    kind: 'busy',
    reason: 'API_SERVER_REFUSED',
    retry: 'retry',
  },
  'a spec that cannot be is left until it changes': {
    error: new Failure('invalid', 'SPEC_WRONG', 'no'),
    kind: 'invalid',
    reason: 'SPEC_WRONG',
    retry: 'stop',
  },
  'what nobody foresaw is tried again, without its text': {
    error: new TypeError('secret'),
    kind: 'unfinished',
    reason: 'UNFORESEEN',
    retry: 'retry',
  },
};

for (const [name, { error, kind, reason, retry }] of Object.entries(answers)) {
  test(name, () => {
    const failure = toFailure(error);

    assert.deepEqual([failure.kind, failure.reason, retryOf(failure)], [kind, reason, retry]);
    assert.doesNotMatch(failure.message, /secret/);
  });
}

test('a condition keeps its time while its status stays, also when its reason changes', () => {
  const before: Condition[] = [
    { type: 'A', status: 'True', reason: 'X', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
    { type: 'B', status: 'True', reason: 'X', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
    { type: 'Gone', status: 'True', reason: 'X', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
  ];

  const merged = mergeConditions(
    before,
    [
      { type: 'A', status: 'True', reason: 'Y', message: 'new' },
      { type: 'B', status: 'False', reason: 'X', message: '' },
    ],
    new Date('2026-02-02T02:02:02.500Z'),
  );

  assert.deepEqual(
    merged.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    [
      ['A', '2026-01-01T00:00:00Z'],
      ['B', '2026-02-02T02:02:02Z'],
    ],
  );
});

test('a reason word becomes a word as conditions have them', () => {
  assert.equal(camelCase('POOL_MISSING'), 'PoolMissing');
});

function kubeError(status: number, reason: string): KubeError {
  return new KubeError('GET /x', { status, reason, message: 'no' });
}
