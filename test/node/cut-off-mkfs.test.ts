import assert from 'node:assert/strict';
import { readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type StageSpec, stage, unstage } from '#node';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aScope, NodeBed } from './node-bed.ts';

const MIB = 512;

/** What a node that was killed in mkfs leaves: the mark, and some of what mkfs had written by then. */
async function leaveAsCutOff(bed: NodeBed, spec: StageSpec, debris: string): Promise<void> {
  const block: StageSpec = { ...spec, access: 'block', fsType: '', stagingPath: bed.path('stage-block') };
  await stage(bed.host, block, aScope());
  const device = (await runProgram('losetup', ['--noheadings', '--output', 'NAME', '--associated', deviceFile(bed)])).trim();
  const mark = 'loligo: a file system is being made here\n'.repeat(13).slice(0, 512);
  await runProgram('dd', [`of=${device}`, 'bs=512', `seek=${(MIB - 1) * 2048}`, 'conv=notrunc,fsync'], { input: mark });
  if (debris !== '') {
    await runProgram('dd', [`of=${device}`, 'bs=512', 'seek=4096', 'conv=notrunc,fsync'], { input: debris });
  }
  await unstage(bed.host, block, aScope());
}

async function overwriteSuperblock(bed: NodeBed, spec: StageSpec): Promise<void> {
  const block: StageSpec = { ...spec, access: 'block', fsType: '', stagingPath: bed.path('stage-block') };
  await stage(bed.host, block, aScope());
  const device = (await runProgram('losetup', ['--noheadings', '--output', 'NAME', '--associated', deviceFile(bed)])).trim();
  await runProgram('dd', [`of=${device}`, 'bs=64K', 'count=1', 'conv=notrunc,fsync'], { input: 'x'.repeat(65_536) });
  await unstage(bed.host, block, aScope());
}

function deviceFile(bed: NodeBed): string {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const line = mounts.find((mount) => mount.includes(`${bed.dir}/`) && mount.includes('/image '));
  return line?.split(' ')[4] ?? '';
}

for (const fsType of ['ext4', 'xfs'] as const) {
  test(`what a cut-off mkfs left is made anew as ${fsType}, by whichever node has the volume next`, async () => {
    await using bed = await NodeBed.open(sharedCeph());
    const spec = { ...(await bed.image('v', MIB)), fsType };
    await leaveAsCutOff(bed, spec, 'inode tables, half of them');

    await stage(bed.host, spec, aScope());

    assert.ok(statfsSync(spec.stagingPath).blocks > 0);
    writeFileSync(`${spec.stagingPath}/file`, 'kept');
  });
}

test('a file system with data is never made anew, whatever an earlier node remembers of its mkfs', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = { ...(await bed.image('v', MIB)), fsType: 'ext4' as const };
  await stage(bed.host, spec, aScope());
  writeFileSync(`${spec.stagingPath}/file`, 'kept');
  await unstage(bed.host, spec, aScope());
  await leaveAsCutOff(bed, spec, '');

  await stage(bed.host, spec, aScope());

  assert.equal(readFileSync(`${spec.stagingPath}/file`, 'utf8'), 'kept');
});

test('a file system that is damaged later is not taken for one that was never finished', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = { ...(await bed.image('v', MIB)), fsType: 'ext4' as const };
  await stage(bed.host, spec, aScope());
  await unstage(bed.host, spec, aScope());
  await leaveAsCutOff(bed, spec, '');
  await stage(bed.host, spec, aScope());
  await unstage(bed.host, spec, aScope());
  await overwriteSuperblock(bed, spec);

  await assert.rejects(stage(bed.host, spec, aScope()), { reason: 'DATA_UNKNOWN' });
});
