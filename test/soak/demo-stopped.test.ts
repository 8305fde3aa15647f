import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runDemo } from '../demo/run-demo.ts';

/** Milliseconds; the demo takes 25 s on a quiet machine of two cores. */
const LATEST = 25_000;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

for (const signal of SIGNALS) {
  for (const everybody of [true, false]) {
    test(`${signal} to ${everybody ? 'all its processes' : 'the demo'} at any moment leaves nothing behind`, async (t) => {
      for (let round = 0; round < 5; round += 1) {
        const after = Math.floor(Math.random() * LATEST);
        await t.test(`after ${after} ms`, async () => {
          const { output, stopTook, remains } = await runDemo({ signal, everybody, after });

          assert.deepEqual(remains, [], output);
          assert.ok(stopTook < 60_000, `it took ${stopTook} ms to stop`);
        });
      }
    });
  }
}
