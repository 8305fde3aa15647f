import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../../src/lib/backoff.ts';
import { KeyQueue } from '../../src/operator/runtime/key-queue.ts';

test('equal keys that wait are one, and keys come in the order in which they were added', async () => {
  const queue = new KeyQueue();

  for (const key of ['b', 'a', 'b', 'b']) queue.add(key);

  assert.equal(queue.length, 2);
  assert.deepEqual([await queue.take(), await queue.take()], ['b', 'a']);
});

test('a key that is worked on is not given out again, and comes once more when it was added meanwhile', async () => {
  const queue = new KeyQueue();
  queue.add('a');
  await queue.take();

  queue.add('a');
  queue.add('a');
  const whileWorking = queue.length;
  queue.done('a');

  assert.equal(whileWorking, 0);
  assert.equal(await queue.take(), 'a');
  queue.done('a');
  assert.equal(queue.length, 0);
});

test('who waits for a key gets the next that is added, and nothing after the stop', async () => {
  const queue = new KeyQueue();
  const [first, second] = [queue.take(), queue.take()];

  queue.add('a');
  queue.stop();

  assert.deepEqual([await first, await second], ['a', undefined]);
  assert.equal(await queue.take(), undefined);
});

test('of several times for a key the earliest holds, and adding it now makes the others void', async () => {
  const queue = new KeyQueue();

  queue.addAfter('soon', 5000);
  queue.addAfter('soon', 20);
  queue.addAfter('soon', 5000);
  queue.addAfter('now', 30);
  queue.add('now');

  assert.equal(await queue.take(), 'now');
  queue.done('now');
  assert.equal(await queue.take(), 'soon');
  await sleep(40);
  assert.equal(queue.length, 0);
  queue.stop();
});

test('a key that fails again and again waits longer and longer, until it succeeds', () => {
  const queue = new KeyQueue();

  const waits = Array.from({ length: 5 }, () => queue.addFailed('a'));
  queue.succeeded('a');
  const afterwards = queue.addFailed('a');
  queue.stop();

  for (const [index, wait] of waits.entries()) {
    assert.ok(wait >= 125 * 2 ** index && wait <= 250 * 2 ** index, `failure ${index + 1}: ${wait} ms`);
  }
  assert.ok(afterwards <= 250);
});

test('a wait never exceeds its bound, however often it failed', () => {
  const waits = [1, 10, 100, 10_000].map((failures) => backoffMs(failures, { first: 100, most: 1000 }, () => 1));

  assert.deepEqual(waits, [100, 1000, 1000, 1000]);
});
