/** What the Node service promises on every mapper of the kernel path; looked at with rbd, findmnt and /proc in the machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, untilOk } from '../support/driver-bed.ts';
import type { VmBed, VmVolume, VolumeOptions } from '../support/vm/node-bed.ts';

const MIB = 2 ** 20;
/** Prints the arguments and the environment of every program that it sees run, until the file is there. */
const PROGRAM_WATCHER = `
  const { existsSync, readdirSync, readFileSync } = require('node:fs');
  const seen = new Set();
  const read = (path) => { try { seen.add(readFileSync(path, 'utf8').replaceAll('\\0', ' ')); } catch {} };
  const look = (pid) => { read('/proc/' + pid + '/cmdline'); read('/proc/' + pid + '/environ'); };
  while (!existsSync(process.argv[1])) readdirSync('/proc').filter((name) => name > '1' && name < ':').forEach(look);
  console.log([...seen].join('\\n'));`;

/** A new image that is staged by that mapper. */
export interface Contract {
  readonly bed: VmBed;
  readonly mapper: 'krbd' | 'nbd';
}

export function nodeContract(contract: Contract): void {
  for (const fsType of ['ext4', 'xfs'] as const) filesystemContract(contract, fsType);
  blockContract(contract);
  secrecyContract(contract);
  repetitionContract(contract);
  refusalContract(contract);
}

function imageOf({ bed, mapper }: Contract): (name: string, mib: number, options?: VolumeOptions) => Promise<VmVolume> {
  return (name, mib, options = {}) => bed.image(name, mib, { ...options, mapper });
}

function filesystemContract(contract: Contract, fsType: 'ext4' | 'xfs'): void {
  const { bed, mapper } = contract;
  const { machine } = bed;
  const image = imageOf(contract);

  test(`${mapper}: a file written to a new ${fsType} volume is read back after it was staged anew`, async () => {
    const volume = await image(`kept-${fsType}`, 512, { fsType });

    await bed.stage(volume);
    await bed.publish(volume);
    const [mapped] = await bed.devices(mapper);
    await machine.write(`${volume.targetPath}/file`, 'kept');
    const mounted = await findmnt(bed, volume.targetPath);
    await bed.takeAway(volume);
    const between = await bed.leftovers();
    await bed.stage(volume);

    assert.deepEqual([namesOf(mapped), mapped?.namespace], [[volume.image], bed.pool.namespace]);
    assert.deepEqual(mounted, { source: mapped?.device, fstype: fsType });
    assert.deepEqual(between, []);
    assert.equal(await machine.run('cat', [`${volume.stagingTargetPath}/file`]), 'kept');
    await bed.unstage(volume);
  });

  test(`${mapper}: a mounted ${fsType} grows online`, async () => {
    const volume = await image(`grown-${fsType}`, 512, { fsType });
    await bed.stage(volume);
    await bed.publish(volume);
    await machine.write(`${volume.targetPath}/file`, 'kept');
    await bed.pool.rbd('resize', volume.image, '--size', '1G', '--no-progress');

    const { volumeId, targetPath, stagingTargetPath } = volume;
    const capacityRange = { requiredBytes: String(1024 * MIB) };
    const grown = await bed.csi.call('NodeExpandVolume', { volumeId, volumePath: targetPath, stagingTargetPath, capacityRange });
    const { usage } = await bed.csi.call('NodeGetVolumeStats', { volumeId, volumePath: targetPath });

    assert.equal(grown.capacityBytes, String(1024 * MIB));
    const total =
      Number(await machine.run('stat', ['-f', '-c', '%b', targetPath])) *
      Number(await machine.run('stat', ['-f', '-c', '%S', targetPath]));
    assert.ok(total > 900 * MIB, `${total}`);
    assert.equal(usage.find(({ unit }: { unit: string }) => unit === 'BYTES').total, String(total));
    assert.equal(await machine.run('cat', [`${targetPath}/file`]), 'kept');
    await bed.takeAway(volume);
    assert.deepEqual(await bed.leftovers(), []);
  });
}

function blockContract(contract: Contract): void {
  const { bed, mapper } = contract;
  const { machine } = bed;

  test(`${mapper}: a block volume is the image: bytes written to it are in Ceph, and it grows`, async () => {
    const volume = await imageOf(contract)('block', 64, { block: true });
    await bed.stage(volume);
    await bed.publish(volume);

    await machine.run('dd', [`of=${volume.targetPath}`, 'bs=1M', 'conv=fsync'], { input: 'loligo was here' });
    await bed.pool.rbd('resize', volume.image, '--size', '128M', '--no-progress');
    const { volumeId, targetPath: volumePath, stagingTargetPath } = volume;
    const capacityRange = { requiredBytes: String(128 * MIB) };
    await bed.csi.call('NodeExpandVolume', { volumeId, volumePath, stagingTargetPath, capacityRange });
    const { usage } = await bed.csi.call('NodeGetVolumeStats', { volumeId, volumePath });

    assert.match(await bed.pool.rbd('export', volume.image, '-'), /^loligo was here/);
    assert.equal(usage[0].total, String(128 * MIB));
    await bed.takeAway(volume);
    assert.deepEqual(await bed.leftovers(), []);
  });

  test(`${mapper}: a node in /dev that leads to another device is not used`, async () => {
    const volume = await imageOf(contract)('swapped', 64, { block: true });
    await bed.stage(volume);
    const [device] = await bed.devices(mapper);
    const node = device?.device ?? '';
    await machine.run('mv', [node, `${node}.kept`]);
    await machine.run('cp', ['--archive', '/dev/vda', node]);

    const published = await answerOf(bed.publish(volume));
    await machine.run('mv', [`${node}.kept`, node]);
    await bed.unstage(volume);

    assert.equal(published.status, 'FAILED_PRECONDITION');
    assert.match(published.details, new RegExp(`DEVICE_NODE_WRONG: ${node}`));
    assert.deepEqual(await bed.leftovers(), []);
  });
}

function secrecyContract(contract: Contract): void {
  const { bed, mapper } = contract;
  const { machine } = bed;

  test(`${mapper}: the key is nowhere: not in arguments, environments, sysfs, the kernel's log, files, or the keyring`, async () => {
    const volume = await imageOf(contract)('secret', 64, { block: true });

    const watching = machine.run('/node/node', ['--eval', PROGRAM_WATCHER, '/run/staged']);
    await bed.stage(volume);
    await machine.write('/run/staged', '');
    const seen = [
      await watching,
      await machine.run('bash', ['-c', 'cat /sys/bus/rbd/devices/*/* /sys/block/nbd*/{pid,backend} 2>/dev/null; true']),
      await machine.run('dmesg'),
      await machine.run('grep', ['-r', '', '/var/lib/loligo/state', '/run/loligo.log', '/dev/shm']).catch(() => ''),
      await machine.run('bash', ['-c', 'cat $(find /proc/*/fd -lname "/dev/shm/*") 2>/dev/null; true']),
      await machine.run('cat', ['/proc/keys']),
    ];
    await machine.run('rm', ['/run/staged']);

    assert.match(seen[0] ?? '', mapper === 'krbd' ? /add_single_major/ : /rbd-nbd map /);
    assert.match(seen[1] ?? '', /loligo\.[0-9a-f]{32}/);
    for (const text of seen) assert.ok(!text.includes(bed.key));
    assert.doesNotMatch(seen.at(-1) ?? '', / ceph /);
    await bed.unstage(volume);
  });
}

function repetitionContract(contract: Contract): void {
  const { bed, mapper } = contract;
  const image = imageOf(contract);

  test(`${mapper}: two volumes asked for by twenty callers at once are two devices`, async () => {
    const volumes = await Promise.all(['many-a', 'many-b'].map((name) => image(name, 64, { block: true })));

    await Promise.all(Array.from({ length: 20 }, (_, index) => untilOk(() => bed.stage(volumes[index % 2] as VmVolume), 240)));

    assert.deepEqual(namesOf(...(await bed.devices(mapper))), ['many-a', 'many-b']);
    for (const volume of volumes) await bed.unstage(volume);
    assert.deepEqual(await bed.leftovers(), []);
  });

  test(`${mapper}: a node role that was killed leaves the device; its successor finds it and maps it no second time`, async () => {
    const volume = await image('found', 512);
    await bed.stage(volume);
    const before = await bed.devices(mapper);

    await bed.restartDriver();
    await bed.stage(volume);
    await bed.publish(volume);

    assert.deepEqual(await bed.devices(mapper), before);
    await bed.takeAway(volume);
    assert.deepEqual(await bed.leftovers(), []);
  });
}

function refusalContract(contract: Contract): void {
  const { bed, mapper } = contract;
  const { machine } = bed;
  const image = imageOf(contract);

  test(`${mapper}: what can never be mapped is refused for good, and leaves nothing`, async () => {
    const missing = await answerOf(bed.stage(bed.volume('missing', { block: true, mapper })));
    const volume = await image('refused', 64, { block: true });
    const stranger = await answerOf(bed.stage(volume, { secrets: { userID: 'nobody', userKey: bed.key } }));
    const userKey = await bed.ceph.createUser('vm-elsewhere', { mon: 'profile rbd', osd: 'profile rbd pool=elsewhere' });
    const denied = await answerOf(bed.stage(volume, { secrets: { userID: 'vm-elsewhere', userKey } }));
    await bed.ceph.ceph('auth', 'rm', 'client.vm-elsewhere');

    assert.deepEqual(
      [missing.status, stranger.status, denied.status],
      ['NOT_FOUND', 'UNAUTHENTICATED', 'PERMISSION_DENIED'],
      `${missing.details}\n${stranger.details}\n${denied.details}`,
    );
    assert.deepEqual(await bed.leftovers(), []);
  });

  test(`${mapper}: a device that somebody holds is not taken away, and the answer says who`, async () => {
    const volume = await image('held', 64, { block: true });
    await bed.stage(volume);
    const [device] = await bed.devices(mapper);
    const pid = await bed.hold(device?.device ?? '');

    const { volumeId, stagingTargetPath } = volume;
    const held = await answerOf(bed.csi.call('NodeUnstageVolume', { volumeId, stagingTargetPath }));
    const head = await machine.run('dd', [`if=${device?.device}`, 'bs=4096', 'count=1', 'iflag=direct', 'status=none']);
    await machine.run('kill', [String(pid)]);
    await bed.unstage(volume);

    assert.equal(held.status, 'ABORTED');
    assert.match(held.details, new RegExp(`DEVICE_HELD: .*process ${pid} \\(tail\\)`));
    assert.equal(head.length, 4096);
    assert.deepEqual(await bed.leftovers(), []);
  });

  test(`${mapper}: publishing what is not staged is refused`, async () => {
    const answer = await answerOf(bed.publish(await image('unstaged', 64)));

    assert.equal(answer.status, 'FAILED_PRECONDITION');
    assert.match(answer.details, /NOT_STAGED/);
  });
}

/** rbd calls it `name` for krbd and `image` for nbd. */
function namesOf(...devices: readonly ({ readonly name?: string; readonly image?: string } | undefined)[]): readonly string[] {
  return devices.map((device) => device?.name ?? device?.image ?? '').toSorted();
}

async function findmnt(bed: VmBed, path: string): Promise<object> {
  const { filesystems } = JSON.parse(await bed.machine.run('findmnt', ['--json', '--output', 'SOURCE,FSTYPE', path]));
  return filesystems[0];
}
