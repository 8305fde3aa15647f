/** A mounted volume does not notice what the controller does with its image, nor that an agent dies. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DriverBed, untilOk } from '../support/driver-bed.ts';
import { hostRemains, removeHostRemains } from '../support/host-remains.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

/** Snapshots, expansions and clones each, while fio writes. */
const ROUNDS = process.env['LOLIGO_SOAK'] === '1' ? 100 : 6;
const MIB = 2 ** 20;
const SIZE = 320 * MIB;
const CAPABILITY = { mount: { fsType: 'xfs' }, accessMode: { mode: 'SINGLE_NODE_WRITER' } };

interface Fio extends Disposable {
  /** What fio says of its one job. */
  result(): Promise<{ error: number; written: number; longestMs: number }>;
  stop(): void;
}

/** Random writes, each synced, until it is told to stop. */
function startFio(directory: string): Fio {
  const args = ['--name=w', '--rw=randwrite', '--bs=16k', '--size=64M', '--fsync=1', '--time_based', '--runtime=1h'];
  const child = spawn('fio', [...args, `--directory=${directory}`, '--output-format=json'], { cwd: '/tmp' });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  return {
    stop: () => child.kill('SIGINT'),
    [Symbol.dispose]: () => child.kill('SIGKILL'),
    async result() {
      await ended;
      const [job] = JSON.parse(output.slice(output.indexOf('{'))).jobs;
      const longest = Math.max(job.write.clat_ns.max, job.sync.lat_ns.max);
      return { error: job.error, written: job.write.io_bytes, longestMs: Math.round(longest / 1e6) };
    },
  };
}

test(`fio sees no error during ${ROUNDS} snapshots, expansions and clones of its volume, and a killed agent`, async (t) => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { role: 'standalone', options: { 'reap-interval': '2', 'creator-lifetime': '3' } });
  const volumeId = await bed.create('pvc-1', {
    volumeCapabilities: [CAPABILITY],
    capacityRange: { requiredBytes: String(SIZE) },
  });
  const stagingTargetPath = join(bed.driver.dir, 'staging');
  mkdirSync(stagingTargetPath);
  const { nodeId } = await bed.csi.call('NodeGetInfo', {});
  const at = { volumeId, stagingTargetPath };
  using _ = { [Symbol.dispose]: () => removeHostRemains(join(bed.driver.dir, 'state')) };
  const { publishContext } = await bed.csi.call('ControllerPublishVolume', { volumeId, nodeId, volumeCapability: CAPABILITY });
  await bed.csi.call('NodeStageVolume', { ...at, publishContext, volumeCapability: CAPABILITY });

  using fio = startFio(stagingTargetPath);
  for (let round = 1; round <= ROUNDS; round += 1) {
    if (round === Math.ceil(ROUNDS / 2)) for (const agent of bed.driver.agents()) process.kill(agent, 'SIGKILL');
    const requiredBytes = String(SIZE + round * 16 * MIB);
    const [snapshot] = await Promise.all([
      bed.snapshot(`snap-${round}`, volumeId),
      bed.create(`clone-${round}`, {
        volumeCapabilities: [CAPABILITY],
        capacityRange: { requiredBytes },
        volumeContentSource: { volume: { volumeId } },
      }),
      untilOk(() => bed.csi.call('ControllerExpandVolume', { volumeId, capacityRange: { requiredBytes } })),
    ]);
    await untilOk(() => bed.csi.call('DeleteSnapshot', { snapshotId: snapshot }));
    await bed.delete(bed.handle(`clone-${round}`));
  }
  const grown = { volumeId, volumePath: stagingTargetPath, stagingTargetPath, capacityRange: { requiredBytes: String(SIZE) } };
  await bed.csi.call('NodeExpandVolume', { ...grown, volumeCapability: CAPABILITY });
  const { bsize, blocks } = statfsSync(stagingTargetPath);
  fio.stop();
  const { error, written, longestMs } = await fio.result();

  await untilOk(() => bed.csi.call('NodeUnstageVolume', at));
  await bed.csi.call('ControllerUnpublishVolume', { volumeId, nodeId });
  await bed.delete(volumeId);
  t.diagnostic(`${(written / MIB).toFixed(0)} MiB written; the longest write or sync took ${longestMs} ms`);
  assert.equal(error, 0);
  assert.ok(written > 0);
  assert.ok(bsize * blocks > SIZE, 'the file system has grown while it was written to');
  const remains = hostRemains(bed.driver.dir).filter((line) => line !== `process ${bed.driver.pid}`);
  assert.deepEqual(remains, []);
  const left = await leftoversAfter(pool, 30);
  assert.deepEqual(left, []);
});
