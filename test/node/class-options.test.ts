/** mkfsOptions, mapOptions and mount flags of a class have their effect, as the programs of the file systems show it. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { aVolumeIn, DriverBed } from '../support/driver-bed.ts';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { StagedVolumes } from '../support/staged-volumes.ts';

/** None of the values is what the programs choose by themselves. */
const CASES = {
  ext4: {
    mkfsOptions: '-b 1024 -I 512',
    shows: (device: string) => runProgram('tune2fs', ['-l', device]),
    made: [/^Block size: +1024$/m, /^Inode size:\s+512$/m],
    mountFlags: ['noatime,commit=17', 'errors=remount-ro'],
  },
  xfs: {
    mkfsOptions: '-i size=1024 -m reflink=0',
    shows: (_: string, path: string) => runProgram('xfs_info', [path]),
    made: [/ isize=1024 /, / reflink=0 /],
    mountFlags: ['noatime,logbsize=64k', 'allocsize=128k'],
  },
} as const;

for (const [fsType, { mkfsOptions, shows, made, mountFlags }] of Object.entries(CASES)) {
  test(`an ${fsType} volume is made, mounted and mapped with the options of its class`, async () => {
    await using pool = await sharedCeph().freshNamespace();
    await using bed = await DriverBed.open(pool, { role: 'standalone' });
    const capability = { mount: { fsType, mountFlags }, accessMode: { mode: 'SINGLE_NODE_WRITER' } };
    await using staged = new StagedVolumes(bed, capability);
    const { parameters } = aVolumeIn(bed.cluster, pool) as { parameters: object }; // as that function makes it
    const { volume } = await bed.csi.call(
      'CreateVolume',
      bed.volume('v', {
        capacityRange: { requiredBytes: String(512 * 2 ** 20) },
        volumeCapabilities: [capability],
        parameters: { ...parameters, mkfsOptions, mapOptions: 'objecter_inflight_ops=77' },
      }),
    );

    const path = await staged.stage(volume.volumeId, volume.volumeContext);
    const [device = '', options = ''] = (await findmnt(path)).split(/\s+/);
    const filesystem = await shows(device, path);
    const [conf = 'none'] = globSync(join(bed.driver.dir, 'state/volumes/*/ceph.conf'));
    const mapped = readFileSync(conf, 'utf8');
    await staged.unstage(volume.volumeId);

    for (const line of made) assert.match(filesystem, line);
    const wanted = mountFlags.flatMap((flags) => flags.split(','));
    assert.deepEqual(
      wanted.filter((flag) => !options.split(',').includes(flag)),
      [],
      options,
    );
    assert.match(mapped, /^objecter_inflight_ops = 77$/m);
  });
}

async function findmnt(path: string): Promise<string> {
  return await runProgram('findmnt', ['--noheadings', '--output', 'SOURCE,OPTIONS', '--mountpoint', path]);
}
