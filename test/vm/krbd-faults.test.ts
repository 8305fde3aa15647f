/** The kernel's client when Ceph, the node role or the power fails. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf } from '../support/driver-bed.ts';
import { until } from '../support/kubernetes/waiting.ts';
import { VmBed } from '../support/vm/node-bed.ts';
import { WRITER } from './writer.ts';

const bed = await VmBed.open();
after(() => bed[Symbol.asyncDispose]());
const { machine, ceph } = bed;

test('a volume is unstaged with Ceph away, and Ceph finds no watcher and no lock when it is back', async () => {
  const volume = await bed.image('away', 64, { block: true });
  await bed.stage(volume);
  const [device] = await bed.devices();
  await machine.run('dd', [`of=${device?.device}`, 'bs=1M', 'conv=fsync'], { input: 'takes the lock' });
  const locked = await bed.pool.rbd('lock', 'ls', volume.image);

  const [unstaged, left, again] = await withoutOsd(async () => [
    await answerOf(bed.unstage(volume)),
    await bed.devices(),
    await answerOf(bed.stage(volume)),
  ]);

  assert.match(locked, /auto/);
  assert.deepEqual([unstaged.status, left], ['OK', []]);
  assert.equal(again.status, 'ABORTED');
  await until(async () => (await bed.pool.rbd('lock', 'ls', volume.image)) === '', { what: 'the lock is released' });
  assert.match(await bed.pool.rbd('status', volume.image), /Watchers: none/);
  assert.equal(await ceph.ceph('osd', 'blocklist', 'ls'), '');
  await bed.stage(volume);
  await bed.unstage(volume);
  await nothingLeft();
});

test('what waits to be written is not dropped: with Ceph away unstaging answers that it goes on, and then everything is there', async () => {
  const volume = await bed.image('dirty', 512);
  await bed.stage(volume);
  const { volumeId, stagingTargetPath } = volume;
  const block = (letter: string): Buffer => Buffer.alloc(4096, letter);
  // A whole block of a file that is there already: nothing has to be read for it.
  const write = (letter: string): Promise<string> =>
    machine.run('dd', [`of=${stagingTargetPath}/file`, 'bs=4096', 'conv=notrunc', 'iflag=fullblock'], { input: block(letter) });
  await write('a');
  await machine.run('sync');

  const away = await withoutOsd(async () => {
    await write('b');
    return await answerOf(bed.csi.call('NodeUnstageVolume', { volumeId, stagingTargetPath }));
  });
  await bed.unstage(volume);
  await bed.stage(volume);

  assert.equal(away.status, 'ABORTED');
  assert.equal(await machine.run('cat', [`${stagingTargetPath}/file`]), block('b').toString());
  await bed.unstage(volume);
  await nothingLeft();
});

test('after a power cut every byte that was synced is there, and staged volumes are staged again or unstaged', async () => {
  const kept = await bed.image('cut', 512);
  const given = await bed.image('given-up', 512);
  for (const volume of [kept, given]) {
    await bed.stage(volume);
    await bed.publish(volume);
  }

  await machine.start('/node/node', [...WRITER, `${kept.targetPath}/numbers`, '/var/lib/loligo/synced'], '/run/writer.log');
  await sleep(8_000);
  await bed.reset();
  const synced = Number(await machine.run('cat', ['/var/lib/loligo/synced']));
  await bed.stage(kept);
  const numbers = (await machine.run('cat', [`${kept.stagingTargetPath}/numbers`])).split('\n');
  await bed.unstage(given);

  assert.ok(synced > 20, `only ${synced} writes were synced`);
  assert.deepEqual(
    numbers.slice(0, synced),
    Array.from({ length: synced }, (_, index) => String(index)),
  );
  await bed.unpublish(kept);
  await bed.unpublish(given);
  await bed.unstage(kept);
  await nothingLeft();
});

async function withoutOsd<T>(work: () => Promise<T>): Promise<T> {
  ceph.pause('osd');
  try {
    return await work();
  } finally {
    await ceph.resume('osd');
  }
}

async function nothingLeft(): Promise<void> {
  assert.deepEqual(await bed.leftovers(), []);
}
