/** Ceph says nothing any more: every call answers in bounded time, and nothing that was written is given up. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Failure } from '#lib/failure';
import { isReachable, stage, unstage, volumeHealth, volumeStats } from '#node';
import { MicroCeph } from '../support/micro-ceph.ts';
import { aScope, NodeBed } from './node-bed.ts';

const isUnfinished = (error: unknown) => error instanceof Failure && error.kind === 'unfinished';

test('with Ceph away calls answer in time, and what was written arrives when it is back', async () => {
  await using ceph = await MicroCeph.start();
  await using bed = await NodeBed.open(ceph);
  const dirty = { ...(await bed.image('dirty')), fsType: 'xfs' as const };
  const block = { ...(await bed.image('block', 64)), access: 'block' as const };
  await stage(bed.host, dirty, aScope());
  await stage(bed.host, block, aScope());

  writeFileSync(`${dirty.stagingPath}/file`, 'x'.repeat(1_000_000)); // In the kernel's cache only. Later it would block us.
  ceph.pause('osd');
  const began = Date.now();
  await unstage(bed.host, block, aScope()); // Nothing was written to it: it goes.
  const health = await volumeHealth(bed.host, dirty.volume);
  await volumeStats(bed.host, { volume: dirty.volume, path: dirty.stagingPath });
  await assert.rejects(unstage(bed.host, dirty, aScope()), isUnfinished);
  await assert.rejects(unstage(bed.host, dirty, aScope()), isUnfinished);
  const took = Date.now() - began;
  await ceph.resume('osd');
  await untilDone(() => unstage(bed.host, dirty, aScope()));
  const left = bed.leftovers();
  await stage(bed.host, dirty, aScope());

  assert.ok(took < 60_000, `${took} ms`);
  assert.deepEqual(
    health?.map(({ reason }) => reason),
    ['DeviceUnreadable'],
  );
  assert.deepEqual(left, []);
  assert.equal(readFileSync(`${dirty.stagingPath}/file`, 'utf8').length, 1_000_000);
});

test('staging against monitors that say nothing answers in time, and leaves nothing that unstaging does not remove', async () => {
  await using ceph = await MicroCeph.start();
  await using bed = await NodeBed.open(ceph);
  const spec = await bed.image('v');
  ceph.pause('mon');

  const began = Date.now();
  const reachable = await isReachable(ceph.monitors);
  await assert.rejects(stage(bed.host, spec, aScope()), (error) => error instanceof Failure && error.kind === 'unreachable');
  await unstage(bed.host, spec, aScope());
  const took = Date.now() - began;
  await ceph.resume('mon');

  assert.equal(reachable, false);
  assert.ok(took < 50_000, `${took} ms`);
  assert.deepEqual(bed.leftovers(), []);
});

async function untilDone(act: () => Promise<unknown>): Promise<void> {
  for (const until = Date.now() + 60_000; ; ) {
    try {
      await act();
      return;
    } catch (error) {
      if (!isUnfinished(error) || Date.now() > until) throw error;
    }
  }
}
