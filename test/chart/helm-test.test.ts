/** The program of `helm test`, as the chart renders it, run as its pod runs it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { serveHealth } from '../../src/observability/http-server.ts';
import { type ProgramError, runProgram } from '../support/ceph/program.ts';
import { getManifest, rendered } from './rendered.ts';

const METRICS = { text: () => Promise.resolve(''), contentType: 'text/plain' };

test('helm test passes with a controller that becomes ready, and writes and reads the volume', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'loligo-volume-'));
  let asked = 0;
  const health = await serveHealth(
    { address: '127.0.0.1', port: 0 },
    { metrics: METRICS, notReady: () => (asked++ === 0 ? ['not yet'] : []) },
  );
  try {
    const said = await runTestPod(dir, health.port);

    assert.match(said, /503 not yet\n.*200 ok\nwritten and read back\n$/);
    assert.equal(readFileSync(join(dir, 'greeting'), 'utf8'), 'written and read back');
  } finally {
    await health.stop();
    rmSync(dir, { recursive: true });
  }
});

test('helm test fails when the volume cannot be written', async () => {
  const health = await serveHealth({ address: '127.0.0.1', port: 0 }, { metrics: METRICS, notReady: () => [] });
  try {
    await assert.rejects(runTestPod('/nonexistent', health.port), (error: ProgramError) => /ENOENT/.test(error.stderr));
  } finally {
    await health.stop();
  }
});

/** What the pod's container does, with the volume elsewhere. */
async function runTestPod(volume: string, port: number): Promise<string> {
  const { spec } = getManifest(await rendered('everything'), 'Pod', 'loligo-test');
  const [{ command, args }] = spec.containers;
  const [script, service] = args;
  assert.deepEqual(command, ['node', '-e']);
  const env = { [`${service}_SERVICE_HOST`]: '127.0.0.1', [`${service}_SERVICE_PORT`]: String(port) };
  return await runProgram('node', ['-e', script, service, volume], { env });
}
