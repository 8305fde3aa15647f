/** A file system grows to the volume it lies in when that was made larger than its source; findmnt is the witness. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DriverBed } from '../support/driver-bed.ts';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { StagedVolumes } from '../support/staged-volumes.ts';

const MIB = 2 ** 20;
const SMALL = 320;
const LARGE = 960;

for (const fsType of ['ext4', 'xfs'] as const) {
  test(`a larger restore and a larger clone of an ${fsType} volume show the grown file system once they are staged`, async () => {
    await using pool = await sharedCeph().freshNamespace();
    await using bed = await DriverBed.open(pool, { role: 'standalone' });
    const capability = { mount: { fsType }, accessMode: { mode: 'SINGLE_NODE_WRITER' } };
    await using staged = new StagedVolumes(bed, capability);
    const ofMib = (mib: number) => ({ capacityRange: { requiredBytes: String(mib * MIB) }, volumeCapabilities: [capability] });
    const data = randomBytes(2 * MIB);
    const volumeId = await bed.create('source', ofMib(SMALL));
    const source = await staged.stage(volumeId);
    writeFileSync(join(source, 'file'), data);
    const before = await sizeAt(source);
    await staged.unstage(volumeId);
    const snapshotId = await bed.snapshot('snap', volumeId);

    const copies = [
      await bed.create('restored', { ...ofMib(LARGE), volumeContentSource: { snapshot: { snapshotId } } }),
      await bed.create('cloned', { ...ofMib(LARGE), volumeContentSource: { volume: { volumeId } } }),
    ];
    const seen = [];
    for (const copy of copies) {
      const path = await staged.stage(copy);
      seen.push({ size: await sizeAt(path), file: sha256(readFileSync(join(path, 'file'))) });
      await staged.unstage(copy);
    }

    assert.ok(before < SMALL * MIB, `${before} bytes before`);
    for (const { size, file } of seen) {
      assert.ok(size > 0.85 * LARGE * MIB && size <= LARGE * MIB, `${size} bytes of ${LARGE} MiB`);
      assert.equal(file, sha256(data));
    }
  });
}

async function sizeAt(path: string): Promise<number> {
  return Number(await runProgram('findmnt', ['--bytes', '--noheadings', '--output', 'SIZE', '--mountpoint', path]));
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
