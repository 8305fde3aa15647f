import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Failure } from '#lib/failure';
import { createLogger, createMetrics, metricsPage, serveHealth } from '#observability';

async function fetchPage(port: number, path: string): Promise<{ code: number | undefined; body: string }> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, resolve).on('error', reject);
  });
  return { code: response.statusCode, body: await text(response) };
}

test('the health port serves metrics, health and readiness, and says what is missing', async () => {
  const metrics = createMetrics();
  metrics.reaperPurged.inc({ cluster: 'prod', pool: 'rbd' }, 3);
  const missing: string[] = [];
  const health = await serveHealth({ address: '127.0.0.1', port: 0 }, { metrics, notReady: () => missing });

  const ready = await fetchPage(health.port, '/readyz');
  missing.push('cluster prod: MONITORS_SILENT');
  const unready = await fetchPage(health.port, '/readyz');
  const alive = await fetchPage(health.port, '/healthz');
  const page = await fetchPage(health.port, '/metrics');
  const unknown = await fetchPage(health.port, '/etc/passwd');
  await health.stop();

  assert.deepEqual([ready.code, unready.code, alive.code, unknown.code], [200, 503, 200, 404]);
  assert.equal(unready.body, 'cluster prod: MONITORS_SILENT\n');
  assert.match(page.body, /loligo_reaper_purged_total\{cluster="prod",pool="rbd"\} 3/);
});

test('a port that is taken is a failure that names it', async () => {
  const metrics = createMetrics();
  const first = await serveHealth({ address: '127.0.0.1', port: 0 }, { metrics, notReady: () => [] });

  const second = serveHealth({ address: '127.0.0.1', port: first.port }, { metrics, notReady: () => [] });

  await assert.rejects(second, (error) => error instanceof Failure && error.reason === 'PORT_UNAVAILABLE');
  await first.stop();
});

test('two sets of metrics in one process do not mix', async () => {
  const [one, other] = [createMetrics(), createMetrics()];

  one.agentStarts.inc({ cluster: 'prod', why: 'first' });

  assert.match(await one.text(), /loligo_agent_starts_total\{cluster="prod",why="first"\} 1/);
  assert.doesNotMatch(await other.text(), /loligo_agent_starts_total\{/);
});

test('a log line is one line of JSON without what is named like a secret, also deep inside', () => {
  const lines: string[] = [];
  const log = createLogger('info', { write: (line: string) => void lines.push(line) });

  log.child({ method: 'X' }).info({ secrets: { userKey: 'AQ1' }, a: { b: { key: 'AQ2' } }, credentials: { key: 'AQ3' } }, 'text');
  log.debug({}, 'not at this level');

  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines.join(''), /AQ\d/);
  assert.equal(JSON.parse(lines[0] ?? '').level, 'info');
});

test('docs/metrics.md says what the table says', () => {
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');

  assert.equal(page, metricsPage(), 'run make update');
});
