/** RADOS takes objects in a namespace that nobody made, and RBD makes no image there: that is named, and nothing is made. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { answerOf, aVolumeIn, DriverBed } from '../support/driver-bed.ts';
import { engineBed } from '../support/engine-bed.ts';
import { MicroCeph, TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aGroup, anImage, aVolume, MiB } from '../support/volume-specs.ts';

test('a RADOS namespace that is not there is named with the command that makes it, nothing is made, and made it serves', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  const nowhere = { name: pool.name, namespace: `nope-${randomBytes(4).toString('hex')}` };
  const request = { ...bed.volume('v'), ...aVolumeIn(bed.cluster, nowhere) };
  const { parameters } = request as { parameters: object }; // as aVolumeIn makes it

  const created = await answerOf(bed.csi.call('CreateVolume', request));
  const room = await answerOf(bed.csi.call('GetCapacity', { parameters }));
  const deleted = await answerOf(
    bed.csi.call('DeleteVolume', { volumeId: `${bed.cluster}/${nowhere.name}/${nowhere.namespace}/v` }),
  );
  const objects = await pool.ceph.rados('--pool', nowhere.name, '--namespace', nowhere.namespace, 'ls');

  for (const { status, details } of [created, room]) {
    assert.equal(status, 'FAILED_PRECONDITION', details);
    const command = `rbd namespace create --pool ${nowhere.name} --namespace ${nowhere.namespace}`;
    assert.ok(details.includes('NAMESPACE_MISSING: ') && details.includes(command), details);
  }
  assert.equal(deleted.status, 'FAILED_PRECONDITION', deleted.details);
  assert.equal(objects, '');
  await using made = await pool.ceph.freshNamespace(nowhere.namespace);
  const volume = await answerOf(bed.csi.call('CreateVolume', request));
  assert.deepEqual([volume.status, await made.images()], ['OK', ['v']]);
});

test('the same for a user who may do nothing outside the namespace', async () => {
  const ceph = sharedCeph();
  await using pool = await ceph.freshNamespace();
  const namespace = `nope-${randomBytes(4).toString('hex')}`;
  const caps = { mon: 'profile rbd', osd: `profile rbd pool=${pool.name} namespace=${namespace}` };
  const user = { user: namespace, key: await ceph.createUser(namespace, caps) };
  await using bed = await engineBed(pool, {}, user);
  const missing = { kind: 'precondition', reason: 'NAMESPACE_MISSING', message: new RegExp(`${pool.name} .* ${namespace}`) };
  const nowhere = new TestPool(ceph, pool.name, namespace);
  const volume = anImage(nowhere.place, 'v');

  await assert.rejects(bed.engine.createVolume(aVolume(nowhere, { image: 'v', size: 64n * MiB })), missing);
  await assert.rejects(bed.engine.createGroupSnapshot(aGroup(nowhere, 'g', [volume])), missing);
  const objects = await nowhere.objects();

  await ceph.ceph('auth', 'rm', `client.${namespace}`);
  assert.deepEqual(objects, []);
});

test('a namespace that was removed under the driver is named too, and one of that name serves again', async () => {
  await using ceph = await MicroCeph.start();
  const pool = await ceph.freshNamespace();
  await using bed = await engineBed(pool);
  const [first, second] = ['v', 'w'].map((image) => aVolume(pool, { image, size: 64n * MiB }));
  assert.ok(first && second);
  await bed.engine.createVolume(first);
  await bed.engine.deleteVolume(anImage(pool.place, 'v'));
  await bed.engine.reap(pool.place);

  // With the mark that is in it: `rbd namespace remove` looks for images alone.
  await ceph.rbd('namespace', 'remove', '--pool', pool.name, '--namespace', pool.namespace);
  await assert.rejects(bed.engine.createVolume(second), { kind: 'precondition', reason: 'NAMESPACE_MISSING' });
  await using again = await ceph.freshNamespace(pool.namespace);
  await bed.engine.createVolume(second);

  assert.deepEqual(await again.images(), ['w']);
});
