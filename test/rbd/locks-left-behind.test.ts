/** Locks whose holder is gone: who held one decides whether it may be broken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageRef } from '#rbd';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aSnapshot, aVolume } from '../support/volume-specs.ts';

const NODE = 'worker-1@10.0.0.5';

test('a lock that a killed driver left keeps nobody from the volume', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  const holder = await lockAndLeave(pool, 'v');
  await pool.rados('setomapval', 'loligo.pool', `ours/${holder}`, 'x');

  const snapshot = await bed.engine.createSnapshot(aSnapshot(volume, 's'));

  assert.equal(snapshot.snapshot, 's');
});

test('the lock of a published volume whose holder is away is not broken: not for a snapshot, and not to delete it', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  await publish(bed, volume);
  const holder = await lockAndLeave(pool, 'v');

  await assert.rejects(bed.engine.createSnapshot(aSnapshot(volume, 's')), { kind: 'busy', reason: 'LOCK_HOLDER_AWAY' });
  await assert.rejects(bed.engine.deleteVolume(volume), { kind: 'busy', reason: 'LOCK_HOLDER_AWAY' });

  assert.ok((await pool.rbd('lock', 'ls', 'v')).includes(holder));
  assert.ok(!(await pool.ceph.ceph('osd', 'blocklist', 'ls')).includes(holder));
});

test('a volume that is published nowhere is nobody else’s, whoever has left a lock on it', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  await publish(bed, volume);
  const holder = await lockAndLeave(pool, 'v');
  await bed.engine.unpublishVolume({ volume, node: NODE, fence: false });

  await bed.engine.deleteVolume(volume);

  assert.ok((await pool.ceph.ceph('osd', 'blocklist', 'ls')).includes(holder));
  assert.deepEqual(await pool.images(), []);
});

test('a connection notes itself in every place that it opens, and when it leaves that it has left', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(aVolume(pool, { image: 'v' }));

  const open = await ownClients(pool);
  await bed.site.leave();

  assert.deepEqual(open, [`ours/${bed.site.cluster.addresses()}`]);
  assert.deepEqual(await ownClients(pool), []);
});

async function publish(bed: Bed, volume: ImageRef): Promise<void> {
  await bed.engine.publishVolume({ volume, node: NODE, mode: 'single-writer', readonly: false, nodeLimit: 0 });
}

/** Takes the image's lock as librbd does, by a client that then ends; gives its address. */
async function lockAndLeave(pool: TestPool, image: string): Promise<string> {
  const id = String(Reflect.get(Object(await pool.rbdJson('info', image)), 'id'));
  const how = ['--lock-cookie', 'auto 1', '--lock-tag', 'internal', '--lock-type', 'exclusive'];
  await pool.rados('lock', 'get', `rbd_header.${id}`, 'rbd_lock', ...how);
  const [line = ''] = (await pool.rbd('lock', 'ls', image)).split('\n').filter((text) => text.startsWith('client.'));
  return line.trim().split(/\s+/).at(-1) ?? '';
}

async function ownClients(pool: TestPool): Promise<string[]> {
  return (await pool.rados('listomapkeys', 'loligo.pool')).split('\n').filter((key) => key.startsWith('ours/'));
}
