/** What a controller's health port tells of what it really did, and of whether it can serve. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Driver } from '../support/driver.ts';
import { answerOf, DriverBed } from '../support/driver-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const OPTIONS = { health: '127.0.0.1:0', 'reap-interval': '1' };
/** Of Ceph's form. */
const WRONG_KEY = 'AQA3vRBjmTuiIBAAyp9Cdj/Gc6Ipj2ZgTDzN0w==';

const READY = { status: 200 };

test('the metrics of a controller tell its calls by code, its dead agent, what was purged and how many volumes there are', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const { cluster, driver } = bed;
  const kept = await bed.create('kept');
  const doomed = await bed.create('doomed');
  await answerOf(bed.csi.call('ControllerGetVolume', { volumeId: bed.handle('none') }));
  await bed.delete(doomed);
  const purged = (): Promise<number> => sample(driver, 'loligo_reaper_purged_total', { cluster, pool: pool.spec });
  await untilAtLeast(1, purged);
  const trash = await pool.rbdJson('trash', 'ls', '--all');

  const diedBefore = await sample(driver, 'loligo_agent_starts_total', { cluster, why: 'died' });
  for (const agent of driver.agents()) process.kill(agent, 'SIGKILL');
  await bed.create('after');

  const calls = (method: string, code: string): Promise<number> => sample(driver, 'csi_operation_seconds_count', { method, code });
  assert.equal(await calls('CreateVolume', 'OK'), 3);
  assert.equal(await calls('DeleteVolume', 'OK'), 1);
  assert.equal(await calls('ControllerGetVolume', 'NOT_FOUND'), 1);
  assert.equal(await calls('ControllerGetVolume', 'OK'), 0);
  const within = await sample(driver, 'csi_operation_seconds_bucket', { method: 'CreateVolume', code: 'OK', le: '120' });
  assert.equal(within, 3, 'a create of a test takes no two minutes');
  assert.equal(diedBefore, 0);
  assert.ok((await sample(driver, 'loligo_agent_starts_total', { cluster, why: 'first' })) >= 1);
  assert.ok((await sample(driver, 'loligo_agent_starts_total', { cluster, why: 'died' })) >= 1);
  assert.deepEqual([await purged(), trash], [1, []]);
  const images = await pool.images();
  await untilAtLeast(images.length, () => sample(driver, 'loligo_volumes', { cluster }));
  assert.equal(await sample(driver, 'loligo_volumes', { cluster }), images.length);
  await bed.delete(kept);
});

test('a controller is ready while its clusters serve it, names the one that does not, and is alive all along', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const { cluster, driver, entry } = bed;
  await bed.create('v');

  await probeUntil(bed, READY);
  const up = await sample(driver, 'loligo_cluster_up', { cluster });
  await bed.configure({ [cluster]: { ...entry, key: WRONG_KEY } });
  await probeUntil(bed, { status: 503, body: `cluster ${cluster}: KEY_WRONG\n` });
  const down = await sample(driver, 'loligo_cluster_up', { cluster });
  const alive = await fetchPage(driver, '/healthz');
  await bed.configure({ [cluster]: entry });
  await probeUntil(bed, READY);

  assert.deepEqual([up, down], [1, 0]);
  assert.equal(alive.status, 200);
});

test('a cluster configuration that breaks leaves the one before at work, and log, metric and readiness tell', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const { cluster, driver, entry } = bed;
  const file = join(driver.dir, 'clusters.json');
  const stale = (): Promise<number> => sample(driver, 'loligo_config_stale', {});
  await probeUntil(bed, READY);
  const before = await stale();

  const seen: unknown[] = [];
  for (const [word, breakIt] of Object.entries({
    CONFIG_INVALID: () => writeFileSync(file, '{broken'),
    CONFIG_UNREADABLE: () => rmSync(file),
  })) {
    breakIt();
    await sleep(300);
    await bed.create(`during-${word.toLowerCase().replace('_', '-')}`);
    const { status, body } = await fetchPage(driver, '/readyz');
    seen.push([status, body, await stale(), await sample(driver, 'loligo_cluster_up', { cluster })]);
  }
  await bed.configure({ [cluster]: entry });
  await probeUntil(bed, READY);

  assert.deepEqual(seen, [
    [503, 'cluster configuration: CONFIG_INVALID\n', 1, 1],
    [503, 'cluster configuration: CONFIG_UNREADABLE\n', 1, 1],
  ]);
  assert.deepEqual([before, await stale()], [0, 0]);
  assert.deepEqual(await pool.images(), ['during-config-invalid', 'during-config-unreadable']);
  const lines = driver.log().split('\n');
  const told = lines.filter((line) => line.includes('the cluster configuration can')).map((line) => JSON.parse(line));
  assert.deepEqual(
    told.map(({ level, reason = '' }) => `${level} ${reason}`),
    ['error CONFIG_INVALID', 'error CONFIG_UNREADABLE', 'info '],
  );
});

/**
 * Waits until /readyz is that page. A look at the clusters is trusted for ten seconds, so a change shows some time after it;
 * on a busy machine a look may end before a new agent has its answer.
 */
async function probeUntil(bed: DriverBed, wanted: { status: number; body?: string }): Promise<void> {
  for (const end = Date.now() + 60_000; ; await sleep(500)) {
    await answerOf(bed.csi.call('Probe', {}));
    const page = await fetchPage(bed.driver, '/readyz');
    if (page.status === wanted.status && (wanted.body ?? page.body) === page.body) return;
    assert.ok(Date.now() < end, `/readyz is ${page.status} after a minute: ${page.body}`);
  }
}

async function untilAtLeast(wanted: number, read: () => Promise<number>): Promise<void> {
  for (const end = Date.now() + 30_000; (await read()) < wanted; await sleep(200)) {
    assert.ok(Date.now() < end, `still ${await read()} after 30 s`);
  }
}

async function fetchPage(driver: Driver, path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${healthPort(driver)}${path}`);
  return { status: response.status, body: await response.text() };
}

/** The port that the system gave it, as its log tells. */
function healthPort(driver: Driver): number {
  const line = driver
    .log()
    .split('\n')
    .find((text) => text.includes('"healthPort"'));
  return JSON.parse(line ?? '{}').healthPort;
}

/** The value of the one series with these labels; 0 when it is not there yet. */
async function sample(driver: Driver, name: string, labels: Readonly<Record<string, string>>): Promise<number> {
  const { body } = await fetchPage(driver, '/metrics');
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const series = body
    .split('\n')
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && wanted.every((text) => line.includes(text)));
  assert.ok(series.length <= 1, series.join('\n'));
  return Number(series[0]?.split(' ').at(-1) ?? 0);
}
