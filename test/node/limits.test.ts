/** librbd's limits of one image hold for what a program on the node does to the volume. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DriverBed } from '../support/driver-bed.ts';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { StagedBlocks } from '../support/staged-block.ts';

/** At that many a second those writes take five seconds; without a limit a fraction of one. */
const LIMIT = 10;
const WRITES = 50;

test('a volume is as slow as its limit says from the stage after the limit was set, and fast after it was taken away', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { role: 'standalone' });
  await using staged = new StagedBlocks(bed);
  const volumeId = await bed.create('v', { mutableParameters: { rbd_qos_iops_limit: String(LIMIT) } });
  const timeStaged = async (limit?: number): Promise<number> => {
    if (limit !== undefined) {
      const mutableParameters = { rbd_qos_iops_limit: String(limit) };
      await bed.csi.call('ControllerModifyVolume', { volumeId, mutableParameters });
    }
    const seconds = await timeWrites(await staged.stage(volumeId));
    await staged.unstage(volumeId);
    return seconds;
  };

  const limited = await timeStaged();
  const free = await timeStaged(0);
  const again = await timeStaged(LIMIT);

  const shown = JSON.stringify({ limited, free, again });
  // A burst of one second may pass at once.
  const least = (WRITES - LIMIT) / LIMIT - 1;
  assert.ok(limited > least && again > least, shown);
  assert.ok(free < Math.min(limited, again) / 2, shown);
});

/** Seconds that small writes take one after the other, past every cache. */
async function timeWrites(device: string): Promise<number> {
  await runProgram('dd', ['if=/dev/zero', `of=${device}`, 'bs=4k', 'count=1', 'oflag=direct', 'status=none']); // takes the lock
  const began = performance.now();
  await runProgram('dd', ['if=/dev/zero', `of=${device}`, 'bs=4k', `count=${WRITES}`, 'oflag=direct', 'status=none']);
  return (performance.now() - began) / 1000;
}
