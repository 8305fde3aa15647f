/** The node role as a program: killed while a volume of its is written to, and started again on its folder. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Driver } from '../support/driver.ts';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { NodeBed } from './node-bed.ts';

test('a volume staged over gRPC is written to while the node program is killed and started again, which then unstages it', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  await bed.image('v');
  const { monitors, user, key } = bed.connection;
  mkdirSync(bed.path('d'));
  const program = { role: 'node' as const, dir: bed.path('d'), clusters: { prod: { monitors, user, key } } };
  const volume = {
    volumeId: `prod/${bed.pool.spec}/v`,
    stagingTargetPath: bed.path('stage'),
    volumeCapability: { mount: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } },
  };
  const published = { ...volume, targetPath: bed.path('pod') };

  const first = await Driver.start(program);
  await first.csi.call('NodeStageVolume', volume);
  await first.csi.call('NodePublishVolume', published);
  const job = ['--name=w', `--directory=${bed.path('pod')}`, '--rw=randwrite', '--bs=16k', '--size=16m', '--direct=1'];
  const writer = runProgram('fio', [...job, '--time_based', '--runtime=10', '--output-format=json']);
  await sleep(2000);
  await first.kill();
  await using second = await Driver.start(program);
  const restarted = Date.now();
  await second.csi.call('NodeStageVolume', volume); // As a kubelet asks that lost the answer.
  await second.csi.call('NodePublishVolume', published);
  const health = await second.csi.call('NodeGetVolumeStats', { volumeId: volume.volumeId, volumePath: bed.path('pod') });
  const report = JSON.parse(await writer) as { jobs: { error: number; write: { total_ios: number } }[] }; // fio's form
  const ended = Date.now();
  await second.csi.call('NodeUnpublishVolume', published);
  await second.csi.call('NodeUnstageVolume', volume);

  assert.ok(ended > restarted, 'the writer had ended before the second program began');
  assert.equal(report.jobs[0]?.error, 0);
  assert.ok((report.jobs[0]?.write.total_ios ?? 0) > 50, JSON.stringify(report.jobs[0]?.write.total_ios));
  assert.equal(health.usage.length, 2);
  assert.deepEqual(bed.leftovers(), []);
});
