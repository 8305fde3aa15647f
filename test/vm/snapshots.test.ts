/**
 * The kernel's bound of 510 snapshots of an image, by a controller beside the machine: what it does there, and that CreateSnapshot
 * ends well before it. (On an image that is mapped the 511th is the end: docs/results.md.) Its own bound is at 450 (`src/rbd/snapshot-room.ts`); further ones are taken beside it here.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Driver } from '../support/driver.ts';
import { answerOf, untilOk } from '../support/driver-bed.ts';
import { adminKey } from '../support/engine-bed.ts';
import { runProgram } from '../support/micro-ceph.ts';
import type { Snapshots } from '../support/take-snapshots.ts';
import { VmBed } from '../support/vm/node-bed.ts';
import { sharedNetwork } from '../support/vm/shared-network.ts';

const MIB = 2 ** 20;
const { network, ceph } = sharedNetwork();
const bed = await VmBed.open();
const key = await adminKey(ceph);
const controller = await Driver.start({
  role: 'controller',
  clusters: { prod: { monitors: ceph.monitors, user: 'admin', key } },
  enter: network.enter.bind(network),
});
after(async () => {
  await controller[Symbol.asyncDispose]();
  await bed[Symbol.asyncDispose]();
});
const { machine, pool } = bed;
const volume = bed.volume('crowded', { block: true, mapper: 'krbd' });

test('CreateSnapshot is refused at 450 snapshots, with the bound in the answer', async () => {
  const { pool: name, namespace } = pool.place;
  await untilOk(() =>
    controller.csi.call('CreateVolume', {
      name: 'crowded',
      capacityRange: { requiredBytes: String(64 * MIB) },
      parameters: { pool: name, namespace },
      volumeCapabilities: [volume.volumeCapability],
    }),
  );
  await take(1, 449);
  const sourceVolumeId = volume.volumeId;

  const last = await answerOf(untilOk(() => controller.csi.call('CreateSnapshot', { name: 'the-450th', sourceVolumeId })));
  const beyond = await answerOf(controller.csi.call('CreateSnapshot', { name: 'the-451st', sourceVolumeId }));

  assert.equal(last.status, 'OK', last.details);
  assert.equal(beyond.status, 'RESOURCE_EXHAUSTED');
  assert.match(beyond.details, /TOO_MANY_SNAPSHOTS: .*has 450 snapshots of at most 450/);
  assert.equal(await count(), 450);
});

test('the kernel has an image with 510 snapshots, and keeps what they show', async () => {
  await take(451, 509);
  await bed.stage(volume);
  await bed.publish(volume);
  await write('before 510');
  await take(510, 510);
  await write('after 510');

  assert.equal(await count(), 510);
  assert.match(await pool.rbd('export', `${volume.image}@n-510`, '-'), /^before 510/);
  assert.match(await pool.rbd('export', volume.image, '-'), /^after 510/);
});

test('with the 511th the image is not mapped, and the answer says why', async () => {
  await bed.takeAway(volume);
  await take(511, 511);

  const refused = await answerOf(bed.stage(volume));
  await drop(1);
  await untilOk(() => bed.stage(volume), 240);
  await bed.unstage(volume);

  assert.equal(refused.status, 'FAILED_PRECONDITION', refused.details);
  assert.match(refused.details, /SNAPSHOTS_BEYOND_KERNEL/);
  assert.deepEqual(await bed.leftovers(), []);
});

async function drop(number: number): Promise<void> {
  await pool.rbd('snap', 'rm', `${volume.image}@n-${number}`, '--no-progress');
}

/** By our binding in one process: the program rbd would take minutes. */
async function take(first: number, last: number): Promise<void> {
  const script = join(import.meta.dirname, '../support/take-snapshots.ts');
  const [program, ...args] = network.enter(process.execPath, [script]);
  const { pool: name, namespace } = pool.place;
  const want: Snapshots = { monitors: ceph.monitors, key, pool: name, namespace, image: volume.image, first, last };
  await runProgram(program, args, { input: JSON.stringify(want), timeout: 20 * 60_000 });
}

async function write(text: string): Promise<void> {
  await machine.run('dd', [`of=${volume.targetPath}`, 'bs=1M', 'conv=fsync,notrunc', 'status=none'], { input: text });
}

async function count(): Promise<number> {
  return (JSON.parse(await pool.rbd('snap', 'ls', volume.image, '--format', 'json')) as unknown[]).length;
}
