/** Encrypted volumes when Ceph or the power fails. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf } from '../support/driver-bed.ts';
import { until } from '../support/kubernetes/waiting.ts';
import { EncryptionBed } from './encryption-bed.ts';
import { WRITER } from './writer.ts';

const whole = await EncryptionBed.open();
after(() => whole[Symbol.asyncDispose]());
const { bed } = whole;
const { machine, ceph, pool } = bed;

test('an encrypted volume is unstaged with Ceph away, and opened again when it is back', async () => {
  const volume = await whole.volume('away', { fsType: 'ext4' });
  await whole.stage(volume);
  await machine.write(`${volume.stagingTargetPath}/file`, 'kept');
  await machine.run('sync', ['-f', volume.stagingTargetPath]);
  // Mounted it may write a block of its own at any moment, so the mount goes before Ceph does.
  await machine.run('umount', [volume.stagingTargetPath]);

  ceph.pause('osd');
  const unstaged = await answerOf(bed.unstage(volume));
  const left = [...(await bed.devices()).map(({ device }) => device), ...(await whole.openedDevices()).map(({ name }) => name)];
  await ceph.resume('osd');
  await until(async () => /Watchers: none/.test(await pool.rbd('status', volume.image)), { what: 'the watch has ended' });
  await whole.stage(volume);

  assert.deepEqual([unstaged.status, left], ['OK', []]);
  assert.equal(await machine.run('cat', [`${volume.stagingTargetPath}/file`]), 'kept');
  await bed.unstage(volume);
  assert.deepEqual(await whole.leftovers(), []);
});

test('after a power cut every byte of an encrypted volume that was synced is there', async () => {
  const volume = await whole.volume('cut', { fsType: 'ext4', mib: 256 });
  await whole.stage(volume);
  await bed.publish(volume);

  await machine.start('/node/node', [...WRITER, `${volume.targetPath}/numbers`, '/var/lib/loligo/synced'], '/run/writer.log');
  await sleep(8_000);
  await machine.reset();
  await whole.writeKeys();
  await bed.startDriver();
  const synced = Number(await machine.run('cat', ['/var/lib/loligo/synced']));
  await whole.stage(volume);
  const numbers = (await machine.run('cat', [`${volume.stagingTargetPath}/numbers`])).split('\n');

  assert.ok(synced > 10, `only ${synced} writes were synced`);
  assert.deepEqual(
    numbers.slice(0, synced),
    Array.from({ length: synced }, (_, index) => String(index)),
  );
  await bed.takeAway(volume);
  assert.deepEqual(await whole.leftovers(), []);
});
