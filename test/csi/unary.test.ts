import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { Failure, PendingFailure } from '#lib/failure';
import type { Scope } from '#lib/scope';
import { CONTROLLER } from '../../src/csi/definitions.ts';
import type { Service } from '../../src/csi/server.ts';
import { unary } from '../../src/csi/unary.ts';
import { Bed, type BedHost, bedHost } from './csi-bed.ts';

type Work = (scope: Scope) => Promise<object>;

/** A service whose DeleteVolume does the given work, holding the volume's key. */
function deleting(host: BedHost, work: Work): Service {
  const rpc = {
    read: (request: { volumeId: string }) => request.volumeId,
    run: (_context: undefined, _want: string, scope: Scope) => work(scope),
  };
  const locks = (volume: string) => [`volume ${volume}`];
  return { definition: CONTROLLER, handlers: { DeleteVolume: unary(host, undefined, { name: 'DeleteVolume', rpc, locks }) } };
}

const thrown: Record<string, { error: unknown; code: status }> = {
  'an error with a numeric code is not sent as that code': {
    error: Object.assign(new Error('x'), { code: 409 }),
    code: status.ABORTED,
  },
  'an error with an errno as its code is not sent as that code': {
    error: Object.assign(new Error('x'), { code: -17 }),
    code: status.ABORTED,
  },
  'a system error of Node is unforeseen, so not final': {
    error: Object.assign(new Error('x'), { code: 'ENOENT' }),
    code: status.ABORTED,
  },
  'what is thrown and no error is unforeseen too': { error: 'text', code: status.ABORTED },
  'undefined is unforeseen too': { error: undefined, code: status.ABORTED },
  'a failure has the code of its kind': { error: new Failure('conflict', 'SIZE_DIFFERS', 'x'), code: status.ALREADY_EXISTS },
};

for (const [name, { error, code }] of Object.entries(thrown)) {
  test(name, async () => {
    const host = bedHost();
    await using bed = await Bed.serving(deleting(host, () => Promise.reject(error)));

    const answered = await bed.call('DeleteVolume', { volumeId: 'v' });

    assert.equal(answered.code, code);
    assert.equal(host.locks.size, 0);
  });
}

test('an error thrown before the first await is answered', async () => {
  const host = bedHost();
  const service = deleting(host, () => {
    throw new TypeError('x');
  });
  await using bed = await Bed.serving(service);

  const answered = await bed.call('DeleteVolume', { volumeId: 'v' });

  assert.deepEqual([answered.code, answered.details], [status.ABORTED, 'UNFORESEEN: see the log of the driver']);
});

test('a second call for the same volume is refused while the first runs, and served after it', async () => {
  const host = bedHost();
  const gate = Promise.withResolvers<void>();
  await using bed = await Bed.serving(deleting(host, () => gate.promise.then(() => ({}))));

  const first = bed.call('DeleteVolume', { volumeId: 'v' });
  await untilHeld(host, 1);
  const second = await bed.call('DeleteVolume', { volumeId: 'v' });
  gate.resolve();

  assert.equal(second.code, status.ABORTED);
  assert.match(second.details, /^OPERATION_PENDING: /);
  assert.equal((await first).code, status.OK);
  assert.equal((await bed.call('DeleteVolume', { volumeId: 'v' })).code, status.OK);
});

test('a call that was answered while its work goes on keeps its volume until the work has ended', async () => {
  const host = bedHost();
  const work = Promise.withResolvers<void>();
  const pending = new PendingFailure('unreachable', 'NO_ANSWER', 'x', work.promise);
  await using bed = await Bed.serving(deleting(host, () => Promise.reject(pending)));

  const first = await bed.call('DeleteVolume', { volumeId: 'v' });
  const meanwhile = await bed.call('DeleteVolume', { volumeId: 'v' });
  work.resolve();
  await untilHeld(host, 0);

  assert.equal(first.code, status.UNAVAILABLE);
  assert.match(meanwhile.details, /^OPERATION_PENDING: /);
  assert.equal((await bed.call('DeleteVolume', { volumeId: 'v' })).code, status.UNAVAILABLE);
});

test('a handler that never answers is answered for before its caller gives up, and keeps its volume', async () => {
  const host = bedHost();
  const never = Promise.withResolvers<object>();
  await using bed = await Bed.serving(deleting(host, () => never.promise));
  const began = Date.now();

  const answered = await bed.call('DeleteVolume', { volumeId: 'v' }, { timeoutMs: 2_400 });

  assert.match(answered.details, /^STILL_RUNNING: /);
  assert.equal(answered.code, status.ABORTED);
  assert.ok(Date.now() - began < 2_400);
  assert.equal(host.locks.size, 1);
  never.resolve({});
  await untilHeld(host, 0);
  assert.deepEqual(
    host.lines.map(({ msg }) => msg),
    ['refused', 'done after the answer'],
  );
  assert.match(await host.metrics.text(), /csi_operation_seconds_count\{method="DeleteVolume",code="ABORTED"\} 1/);
});

test('a handler is given the time of its caller less a margin, and never more than our own bound', async () => {
  const host = bedHost(3_000);
  const given: number[] = [];
  const service = deleting(host, (scope) => {
    given.push(scope.deadline - Date.now());
    return Promise.resolve({});
  });
  await using bed = await Bed.serving(service);

  await bed.call('DeleteVolume', { volumeId: 'v' }, { timeoutMs: 2_000 });
  await bed.call('DeleteVolume', { volumeId: 'v' }, { timeoutMs: 60_000 });

  const [short = 0, long = 0] = given;
  assert.ok(short > 1_100 && short <= 1_500, `${short} ms of 2,000`);
  assert.ok(long > 2_000 && long <= 2_400, `${long} ms of 60,000 with a bound of 3,000`);
});

test('a call leaves one line with its code, its reason and its request, and no secret', async () => {
  const host = bedHost();
  await using bed = await Bed.serving(deleting(host, () => Promise.reject(new Failure('denied', 'CAPS_MISSING', 'x'))));

  await bed.call('DeleteVolume', { volumeId: 'v', secrets: { userKey: 'AQsecret==' } });

  const [line, ...others] = host.lines;
  assert.equal(others.length, 0);
  assert.equal(line?.['code'], 'PERMISSION_DENIED');
  assert.equal(line?.['reason'], 'CAPS_MISSING');
  assert.deepEqual(line?.['asked'], { volumeId: 'v', secrets: '***' });
  assert.ok(!JSON.stringify(host.lines).includes('AQsecret'));
});

test('a call is counted by its method and code, and is in flight until its work has ended', async () => {
  const host = bedHost();
  const work = Promise.withResolvers<void>();
  const pending = new PendingFailure('unfinished', 'NO_ANSWER', 'x', work.promise);
  await using bed = await Bed.serving(deleting(host, () => Promise.reject(pending)));

  await bed.call('DeleteVolume', { volumeId: 'v' });
  const during = await host.metrics.text();
  work.resolve();
  await untilHeld(host, 0);

  assert.match(during, /csi_operation_seconds_count\{method="DeleteVolume",code="ABORTED"\} 1/);
  assert.match(during, /csi_operations_in_flight\{method="DeleteVolume"\} 1/);
  assert.match(await host.metrics.text(), /csi_operations_in_flight\{method="DeleteVolume"\} 0/);
});

/** Waits until so many keys are held; fails after five seconds. */
async function untilHeld(host: BedHost, count: number): Promise<void> {
  for (let tries = 0; tries < 500 && host.locks.size !== count; tries += 1) await sleep(10);
  assert.equal(host.locks.size, count);
}
