/** What is done about a damaged file system before it is mounted for writing; e2fsprogs on a copy of the image is the witness. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { publish, type StageSpec, stage, unpublish, unstage } from '#node';
import { ProgramError, runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aScope, NodeBed } from './node-bed.ts';

/** e2fsck and the kernel keep count in the superblock, which lies there. */
const SUPERBLOCK = { start: 1024, end: 2048 };

test('a dirty clone of an ext4 is repaired before it is mounted, and has its data', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const data = randomBytes(2 ** 20);
  const clone = await aDirtyClone(bed, data);
  await debugfs(bed, clone, ['setb 60000 1']);
  const before = await e2fsck(bed, clone);

  await stage(bed.host, clone, aScope());
  const read = readFileSync(`${clone.stagingPath}/file`);
  await unstage(bed.host, clone, aScope());

  assert.notEqual(before.exit, 0, before.said);
  assert.equal(sha256(read), sha256(data));
  const after = await e2fsck(bed, clone);
  assert.equal(after.exit, 0, after.said);
  assert.match(await tune2fs(bed, clone), /^Filesystem state: +clean$/m);
});

test('an ext4 that cannot be repaired is refused however often it is asked for, stays as it is, and nothing stays on the node', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = { ...(await bed.image('v', 64)), fsType: 'ext4' as const };
  await stage(bed.host, spec, aScope());
  writeFileSync(`${spec.stagingPath}/file`, randomBytes(2 ** 20));
  await unstage(bed.host, spec, aScope());
  await debugfs(bed, spec, ['clri <2>', 'set_super_value state 2']); // No root directory: a person must say what to do.
  const before = await content(bed, spec);

  const refused = { kind: 'precondition', reason: 'FILESYSTEM_DAMAGED' };
  await assert.rejects(stage(bed.host, spec, aScope()), refused);
  await assert.rejects(stage(bed.host, spec, aScope()), refused);

  assert.deepEqual(bed.leftovers(), []);
  assert.equal(await content(bed, spec), before);
});

/** As a snapshot of a mounted volume leaves it, in which the kernel has found an error: the journal is not replayed. */
async function aDirtyClone(bed: NodeBed, data: Buffer): Promise<StageSpec> {
  const spec = { ...(await bed.image('v', 64)), fsType: 'ext4' as const };
  await stage(bed.host, spec, aScope());
  writeFileSync(`${spec.stagingPath}/file`, data);
  const device = (await runProgram('findmnt', ['-n', '-o', 'SOURCE', spec.stagingPath])).trim();
  writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, 'of a test');
  await runProgram('sync', ['-f', spec.stagingPath]);
  await bed.pool.rbd('snap', 'create', 'v@s');
  await unstage(bed.host, spec, aScope());
  await bed.pool.rbd('clone', 'v@s', `${bed.pool.spec}/clone`, '--rbd-default-clone-format', '2');
  const clone = bed.stageSpec('clone', { fsType: 'ext4' });
  assert.match(await tune2fs(bed, clone), /^Filesystem features:.* needs_recovery /m);
  return clone;
}

/** Changes the file system on the image as broken software would. */
async function debugfs(bed: NodeBed, { volume }: StageSpec, commands: readonly string[]): Promise<void> {
  const spec = bed.stageSpec(volume.image, { access: 'block', stagingPath: bed.path('damage') });
  const { target } = bed.publishSpec(spec, 'device');
  await stage(bed.host, spec, aScope());
  await publish(bed.host, bed.publishSpec(spec, 'device'), aScope());
  for (const command of commands) await runProgram('debugfs', ['-w', '-R', command, target.path]);
  await unpublish(bed.host, { volume, target: target.path }, aScope());
  await unstage(bed.host, spec, aScope());
}

/** What e2fsck says of a copy of the image, as it lies in Ceph. */
async function e2fsck(bed: NodeBed, spec: StageSpec): Promise<{ exit: unknown; said: string }> {
  const file = await exported(bed, spec);
  try {
    return { exit: 0, said: await runProgram('e2fsck', ['-f', '-n', file]) };
  } catch (error) {
    assert.ok(error instanceof ProgramError);
    return { exit: error.code, said: error.stdout };
  }
}

async function tune2fs(bed: NodeBed, spec: StageSpec): Promise<string> {
  return await runProgram('tune2fs', ['-l', await exported(bed, spec)]);
}

/** The checksum of all but the superblock. */
async function content(bed: NodeBed, spec: StageSpec): Promise<string> {
  return sha256(readFileSync(await exported(bed, spec)).fill(0, SUPERBLOCK.start, SUPERBLOCK.end));
}

async function exported(bed: NodeBed, { volume }: StageSpec): Promise<string> {
  const file = bed.path(`${volume.image}.copy`);
  rmSync(file, { force: true });
  await bed.pool.rbd('export', '--no-progress', volume.image, file);
  return file;
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
