/** What may change of a volume later, and what comes of it, as Ceph shows it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf, DriverBed } from '../support/driver-bed.ts';
import { runProgram, type TestPool } from '../support/micro-ceph.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const PROGRAM = join(import.meta.dirname, '../../src/bin/loligo.ts');
const OPTIONS = { 'reap-interval': '1', 'creator-lifetime': '3' };

test('mutable parameters stand on the image, where librbd finds its limits, and a change replaces what it names', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  const mutableParameters = { rbd_qos_iops_limit: '100', rbd_qos_write_bps_limit: '1Mi', deleteRetention: '1h' };
  const volumeId = await bed.create('v', { mutableParameters });
  const made = await shown(pool, 'v');

  await bed.csi.call('ControllerModifyVolume', { volumeId, mutableParameters: { maxCloneDepth: '3' } });
  const deeper = await shown(pool, 'v');
  const changes = { deleteRetention: '30m', rbd_qos_iops_limit: '200', rbd_qos_read_iops_burst: '300' };
  await bed.csi.call('ControllerModifyVolume', { volumeId, mutableParameters: changes });
  await bed.csi.call('ControllerModifyVolume', { volumeId, mutableParameters: changes });
  const changed = await shown(pool, 'v');

  const limits = { rbd_qos_iops_limit: '100', rbd_qos_write_bps_limit: String(2 ** 20) };
  assert.deepEqual(made, { limits, deleteRetention: 3600, maxCloneDepth: 5 });
  assert.deepEqual(deeper, { ...made, maxCloneDepth: 3 });
  const changedLimits = { ...limits, rbd_qos_iops_limit: '200', rbd_qos_read_iops_burst: '300' };
  assert.deepEqual(changed, { limits: changedLimits, deleteRetention: 1800, maxCloneDepth: 3 });
});

test('a change that is refused changes nothing', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  const volumeId = await bed.create('v', { mutableParameters: { rbd_qos_iops_limit: '100' } });
  const before = await shown(pool, 'v');
  const refused = [
    { maxCloneDepth: '3', pool: 'other' },
    { maxCloneDepth: '3', rbd_qos_iops_limit: 'many' },
    { maxCloneDepth: '3', rbd_qos_schedule_tick_min: '1' },
    { deleteRetention: '-1s', maxCloneDepth: '3' },
    {},
  ];

  for (const mutableParameters of refused) {
    const { status, details } = await answerOf(bed.csi.call('ControllerModifyVolume', { volumeId, mutableParameters }));
    assert.equal(status, 'INVALID_ARGUMENT', details);
  }
  const nobody = { volumeId: bed.handle('nobody'), mutableParameters: { maxCloneDepth: '3' } };
  const missing = await answerOf(bed.csi.call('ControllerModifyVolume', nobody));

  assert.equal(missing.status, 'NOT_FOUND', missing.details);
  assert.deepEqual(await shown(pool, 'v'), before);
});

test('the retention that was changed last decides how long a deleted volume can be brought back', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const [kept, gone] = await Promise.all([
    bed.create('kept', { mutableParameters: { deleteRetention: '2s' } }),
    bed.create('gone', { mutableParameters: { deleteRetention: '1h' } }),
  ]);
  await bed.csi.call('ControllerModifyVolume', { volumeId: kept, mutableParameters: { deleteRetention: '1h' } });
  await bed.csi.call('ControllerModifyVolume', { volumeId: gone, mutableParameters: { deleteRetention: '2s' } });
  await pool.rbd('bench', '--io-type', 'write', '--io-size', '64K', '--io-total', '1M', 'kept');
  const data = await pool.checksum('kept');
  await bed.deleteInTime(kept);
  await bed.deleteInTime(gone);
  const trashed = await trash(pool);

  for (const end = Date.now() + 30_000; (await trash(pool)).includes('gone') && Date.now() < end; ) await sleep(300);
  const left = await trash(pool);
  await loligo(bed, 'undelete', kept);
  const again = await answerOf(loligo(bed, 'undelete', gone).catch(() => 'refused'));

  assert.ok(trashed.includes('kept') && trashed.includes('gone'), `in the trash: ${trashed.join(', ')}`);
  assert.deepEqual(left, ['kept']);
  assert.equal(again.value, 'refused');
  assert.equal(await pool.checksum('kept'), data);
  assert.deepEqual(await pool.images(), ['kept']);
  await bed.csi.call('ControllerModifyVolume', { volumeId: kept, mutableParameters: { deleteRetention: '0' } });
  await bed.deleteInTime(kept);
  assert.deepEqual(await leftoversAfter(pool, 30), []);
});

/** What Ceph's own programs say of the image: librbd's limits, and our record. */
async function shown(pool: TestPool, image: string): Promise<object> {
  const config = (await pool.rbdJson('config', 'image', 'list', image)) as { name: string; value: string; source: string }[];
  const limits = config.filter(({ source }) => source === 'image').map(({ name, value }) => [name, value]);
  const metadata = (await pool.rbdJson('image-meta', 'list', image)) as Record<string, string>;
  const { deleteRetention, maxCloneDepth, qos } = JSON.parse(metadata['loligo.volume'] ?? '{}').mutable;
  assert.deepEqual(Object.fromEntries(limits), qos);
  return { limits: qos, deleteRetention, maxCloneDepth };
}

async function trash(pool: TestPool): Promise<string[]> {
  const listed = (await pool.rbdJson('trash', 'ls', '--all')) as { name: string }[]; // the shape of `rbd trash ls`
  return listed.map(({ name }) => name).toSorted();
}

function loligo(bed: DriverBed, verb: string, volume: string): Promise<string> {
  const clusters = join(bed.driver.dir, 'clusters.json');
  return runProgram(process.execPath, [PROGRAM, 'volume', verb, volume, '--clusters', clusters]);
}
