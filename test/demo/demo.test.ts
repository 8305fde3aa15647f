import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runDemo } from './run-demo.ts';

test('the demo does the whole job, and leaves nothing behind', async () => {
  const { exitCode, output, remains } = await runDemo();

  assert.equal(exitCode, 0, output);
  assert.match(output, /What you saw, in \d+ seconds/);
  assert.doesNotMatch(output, /FAILED/);
  assert.deepEqual(remains, []);
});

test('Ctrl-C while volumes are mounted takes everything down', async () => {
  const { exitCode, output, remains } = await runDemo({ signal: 'SIGINT', everybody: true, after: 'CreateVolume: restored' });

  assert.equal(exitCode, 130, output);
  assert.match(output, /Stopped/);
  assert.deepEqual(remains, []);
});
