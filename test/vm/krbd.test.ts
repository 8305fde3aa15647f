/** The Node service on the kernel's own client, in a virtual machine; looked at with rbd, findmnt and /proc in there. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { answerOf, untilOk } from '../support/driver-bed.ts';
import { VmBed, type VmVolume } from '../support/vm/node-bed.ts';

const MIB = 2 ** 20;
const bed = await VmBed.open();
after(() => bed[Symbol.asyncDispose]());
const { machine } = bed;

/** Prints the arguments of every program that it sees run, until the file is there. */
const PROGRAM_WATCHER = `
  const { existsSync, readdirSync, readFileSync } = require('node:fs');
  const seen = new Set();
  const look = (pid) => { try { seen.add(readFileSync('/proc/' + pid + '/cmdline', 'utf8').replaceAll('\\0', ' ')); } catch {} };
  while (!existsSync(process.argv[1])) readdirSync('/proc').filter((name) => name > '1' && name < ':').forEach(look);
  console.log([...seen].join('\\n'));`;

for (const fsType of ['ext4', 'xfs'] as const) {
  test(`a file written to a new ${fsType} volume is read back after it was staged anew`, async () => {
    const volume = await bed.image(`kept-${fsType}`, 512, { fsType });

    await bed.stage(volume);
    await bed.publish(volume);
    const [mapped] = await bed.devices();
    await machine.write(`${volume.targetPath}/file`, 'kept');
    const mounted = await findmnt(volume.targetPath);
    await takeAway(volume);
    const between = await bed.leftovers();
    await bed.stage(volume);

    assert.deepEqual([mapped?.name, mapped?.namespace], [volume.image, bed.pool.namespace]);
    assert.deepEqual(mounted, { source: mapped?.device, fstype: fsType });
    assert.deepEqual(between, []);
    assert.equal(await machine.run('cat', [`${volume.stagingTargetPath}/file`]), 'kept');
    await bed.unstage(volume);
  });

  test(`a mounted ${fsType} grows online`, async () => {
    const volume = await bed.image(`grown-${fsType}`, 512, { fsType });
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
    await takeAway(volume);
    assert.deepEqual(await bed.leftovers(), []);
  });
}

test('a block volume is the image: bytes written to it are in Ceph, and it grows', async () => {
  const volume = await bed.image('block', 64, { block: true });
  await bed.stage(volume);
  await bed.publish(volume);

  await machine.run('dd', [`of=${volume.targetPath}`, 'bs=1M', 'conv=fsync'], { input: 'loligo was here' });
  await bed.pool.rbd('resize', volume.image, '--size', '128M', '--no-progress');
  const { volumeId, targetPath: volumePath, stagingTargetPath } = volume;
  await bed.csi.call('NodeExpandVolume', { volumeId, volumePath, stagingTargetPath });
  const { usage } = await bed.csi.call('NodeGetVolumeStats', { volumeId, volumePath });

  assert.match(await bed.pool.rbd('export', volume.image, '-'), /^loligo was here/);
  assert.equal(usage[0].total, String(128 * MIB));
  await takeAway(volume);
  assert.deepEqual(await bed.leftovers(), []);
});

test('the key is nowhere: not in the arguments of programs, sysfs, the log of the kernel, files, or the keyring', async () => {
  const volume = await bed.image('secret', 64, { block: true });

  const listing = machine.run('/node/node', ['--eval', PROGRAM_WATCHER, '/run/staged']);
  await bed.stage(volume);
  await machine.write('/run/staged', '');
  const seen = [
    await listing,
    await machine.run('bash', ['-c', 'cat /sys/bus/rbd/devices/*/*  2>/dev/null; true']),
    await machine.run('dmesg'),
    await machine.run('grep', ['-r', '', '/var/lib/loligo/state', '/run/loligo.log']),
    await machine.run('cat', ['/proc/keys']),
  ];

  assert.match(seen[0] ?? '', /add_single_major/);
  assert.match(seen[1] ?? '', /key=loligo\./);
  for (const text of seen) assert.ok(!text.includes(bed.key));
  assert.doesNotMatch(seen[4] ?? '', / ceph /);
  await bed.unstage(volume);
});

test('two volumes asked for by twenty callers at once are two devices', async () => {
  const volumes = await Promise.all(['many-a', 'many-b'].map((image) => bed.image(image, 64, { block: true })));

  await Promise.all(Array.from({ length: 20 }, (_, index) => untilOk(() => bed.stage(volumes[index % 2] as VmVolume), 240)));

  assert.deepEqual((await bed.devices()).map(({ name }) => name).toSorted(), ['many-a', 'many-b']);
  for (const volume of volumes) await bed.unstage(volume);
  assert.deepEqual(await bed.leftovers(), []);
});

test('a node role that was killed leaves the device, and its successor finds it and maps it no second time', async () => {
  const volume = await bed.image('found', 512);
  await bed.stage(volume);
  const before = await bed.devices();

  await bed.restartDriver();
  await bed.stage(volume);
  await bed.publish(volume);

  assert.deepEqual(await bed.devices(), before);
  await takeAway(volume);
  assert.deepEqual(await bed.leftovers(), []);
});

test('options of the class reach the kernel, and others are refused by name', async () => {
  const mapOptions = 'ms_mode=crc,queue_depth=32,exclusive=true,read_from_replica=localize,crush_location=host:a|zone:b';
  const volume = await bed.image('options', 64, { block: true, mapper: 'krbd', mapOptions });

  await bed.stage(volume);
  const told = await machine.run('bash', ['-c', 'cat /sys/bus/rbd/devices/*/config_info']);
  const depth = await machine.run('bash', ['-c', 'cat /sys/block/rbd*/queue/nr_requests | tail -1']);
  const lock = await bed.pool.rbd('lock', 'ls', volume.image);
  const other = await answerOf(bed.stage(bed.volume('options', { mapOptions: 'secret=AQ' })));

  assert.match(told, /,ms_mode=crc,queue_depth=32,exclusive,read_from_replica=localize,crush_location=host:a\|zone:b,/);
  assert.match(told, /:3300 /);
  assert.equal(depth.trim(), '32');
  assert.match(lock, /auto/);
  assert.equal(other.status, 'INVALID_ARGUMENT');
  assert.match(other.details, /krbd mapper has no secret/);
  await bed.unstage(volume);
});

test('a feature that the kernel lacks is named, with the kernel', async () => {
  await bed.pool.rbd('create', 'journaled', '--size', '64M', '--image-feature', 'layering,exclusive-lock,journaling');

  const answer = await answerOf(bed.stage(bed.volume('journaled', { block: true })));

  assert.equal(answer.status, 'FAILED_PRECONDITION');
  assert.match(answer.details, new RegExp(`FEATURE_UNSUPPORTED: .*${machine.kernel}.*journaling`));
  assert.deepEqual(await bed.leftovers(), []);
});

test('what can never be mapped is refused for good, and leaves nothing', async () => {
  const missing = await answerOf(bed.stage(bed.volume('missing', { block: true })));
  await bed.image('refused', 64);
  const secrets = { userID: 'nobody', userKey: bed.key };
  const stranger = await answerOf(bed.stage(bed.volume('refused', { block: true }), { secrets }));
  const userKey = await bed.ceph.createUser('vm-elsewhere', { mon: 'profile rbd', osd: 'profile rbd pool=elsewhere' });
  const elsewhere = { userID: 'vm-elsewhere', userKey };
  const denied = await answerOf(bed.stage(bed.volume('refused', { block: true }), { secrets: elsewhere }));
  await bed.ceph.ceph('auth', 'rm', 'client.vm-elsewhere');

  assert.deepEqual([missing.status, stranger.status, denied.status], ['NOT_FOUND', 'UNAUTHENTICATED', 'PERMISSION_DENIED']);
  assert.deepEqual(await bed.leftovers(), []);
});

test('a device that somebody holds is not taken away, and the answer says who', async () => {
  const volume = await bed.image('held', 64, { block: true });
  await bed.stage(volume);
  const [device] = await bed.devices();
  const pid = await machine.start('tail', ['-f', device?.device ?? ''], '/dev/null');

  const { volumeId, stagingTargetPath } = volume;
  const held = await answerOf(bed.csi.call('NodeUnstageVolume', { volumeId, stagingTargetPath }));
  await machine.run('kill', [String(pid)]);
  await bed.unstage(volume);

  assert.equal(held.status, 'ABORTED');
  assert.match(held.details, new RegExp(`DEVICE_HELD: .*process ${pid} \\(tail\\)`));
  assert.deepEqual(await bed.leftovers(), []);
});

test('an image that somebody else has mapped on the node is not mapped beside it', async () => {
  await machine.useCeph(bed.ceph);
  const volume = await bed.image('foreign', 64, { block: true });
  const device = (await machine.run('rbd', ['device', 'map', '--options', 'noudev', `${bed.pool.spec}/foreign`])).trim();

  const answer = await answerOf(bed.stage(volume));
  const left = await bed.devices();
  await machine.run('rbd', ['device', 'unmap', '--options', 'noudev', device]);

  assert.equal(answer.status, 'FAILED_PRECONDITION');
  assert.match(answer.details, new RegExp(`MAPPED_BY_OTHERS: .*${device}`));
  assert.deepEqual(
    left.map((one) => one.device),
    [device],
  );
  assert.deepEqual(await bed.leftovers(), []);
});

test('a node in /dev that leads to another device is not used', async () => {
  const volume = await bed.image('swapped', 64, { block: true });
  await bed.stage(volume);
  const [device] = await bed.devices();
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

test('publishing what is not staged is refused', async () => {
  const volume = await bed.image('unstaged', 64);

  const answer = await answerOf(bed.publish(volume));

  assert.equal(answer.status, 'FAILED_PRECONDITION');
  assert.match(answer.details, /NOT_STAGED/);
});

async function takeAway(volume: VmVolume): Promise<void> {
  await bed.unpublish(volume);
  await bed.unstage(volume);
}

async function findmnt(path: string): Promise<object> {
  const { filesystems } = JSON.parse(await machine.run('findmnt', ['--json', '--output', 'SOURCE,FSTYPE', path]));
  return filesystems[0];
}
