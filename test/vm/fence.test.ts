/** A node whose client Ceph has cut off: what pods see, what volume health says, and that a pod that is made anew works again. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { answerOf } from '../support/driver-bed.ts';
import { VmBed, type VmVolume } from '../support/vm/node-bed.ts';

const bed = await VmBed.open();
after(() => bed[Symbol.asyncDispose]());
const { machine, ceph, pool } = bed;

for (const mapper of ['krbd', 'nbd'] as const) {
  test(`${mapper}: a client that was cut off gives errors, volume health says so, and a pod that is made anew works`, async () => {
    const volumes = await Promise.all(['stopped', 'beside'].map((name) => bed.image(`${name}-${mapper}`, 512, { mapper })));
    const [volume, beside] = volumes as [VmVolume, VmVolume]; // two were made
    for (const one of volumes) {
      await bed.stage(one);
      await bed.publish(one);
      await machine.write(`${one.targetPath}/kept`, 'kept');
      await machine.run('sync', ['-f', one.targetPath]);
    }
    for (const address of new Set((await Promise.all(volumes.map(clientsOf))).flat()))
      await ceph.ceph('osd', 'blocklist', 'add', address);

    const write = (one: VmVolume): Promise<string> =>
      machine.run('dd', [`of=${one.targetPath}/file`, 'bs=4096', 'conv=fsync', 'status=none'], { input: 'written' });
    await assert.rejects(write(volume), /Input\/output error|Read-only file system/);
    await assert.rejects(write(volume), /Input\/output error|Read-only file system/);
    const sick = await healthOf(volume);

    await bed.takeAway(volume); // The pod goes, while another one still has a volume of the same client.
    await bed.stage(volume);
    await bed.publish(volume);
    await write(volume);
    const healthy = await healthOf(volume);
    const kept = await machine.run('cat', [`${volume.targetPath}/kept`]);
    const lines = await machine.run('bash', ['-c', 'cat /sys/bus/rbd/devices/*/config_info 2>/dev/null; true']);

    assert.deepEqual([sick[0], healthy, kept], ['DeviceFailing', [], 'kept'], sick.join());
    if (mapper === 'krbd') assert.equal(lines.match(/,noshare/g)?.length, 1, lines);
    for (const one of volumes) await bed.takeAway(one);
    assert.deepEqual(await bed.leftovers(), []);
    await bed.stage(beside);
    assert.equal(await machine.run('cat', [`${beside.stagingTargetPath}/kept`]), 'kept');
    await bed.unstage(beside);
  });

  test(`${mapper}: a volume that is still staged with a client that was cut off is staged anew at the next call`, async () => {
    const volume = await bed.image(`staged-${mapper}`, 512, { mapper });
    await bed.stage(volume);
    await machine.write(`${volume.stagingTargetPath}/kept`, 'kept');
    await machine.run('sync', ['-f', volume.stagingTargetPath]);
    for (const address of await clientsOf(volume)) await ceph.ceph('osd', 'blocklist', 'add', address);

    const before = await answerOf(machine.run('sha256sum', ['-b', `${volume.stagingTargetPath}/kept`]));
    await bed.stage(volume);
    const kept = await machine.run('cat', [`${volume.stagingTargetPath}/kept`]);
    await machine.run('dd', [`of=${volume.stagingTargetPath}/file`, 'bs=4096', 'conv=fsync'], { input: 'written' });

    assert.equal(kept, 'kept', before.status);
    await bed.unstage(volume);
    assert.deepEqual(await bed.leftovers(), []);
  });
}

test('krbd: a device of a client that was cut off is taken away also from a program that holds it', async () => {
  const volume = await bed.image('held', 64, { block: true, mapper: 'krbd' });
  await bed.stage(volume);
  const [device] = await bed.devices();
  const pid = await bed.hold(device?.device ?? '');
  for (const address of await clientsOf(volume)) await ceph.ceph('osd', 'blocklist', 'add', address);

  await bed.unstage(volume);
  const left = await bed.devices();
  await machine.run('kill', [String(pid)]);

  assert.deepEqual(left, []);
});

/** Addresses of the image's watchers. */
async function clientsOf({ image }: VmVolume): Promise<readonly string[]> {
  const { watchers } = JSON.parse(await pool.rbd('status', image, '--format', 'json')) as { watchers: { address: string }[] };
  return watchers.map(({ address }) => address);
}

/** Reasons, in their order. */
async function healthOf({ volumeId, stagingTargetPath }: VmVolume): Promise<readonly string[]> {
  const { volumeHealth } = await bed.csi.call('NodeGetVolumeHealth', { volumeId, stagingTargetPath });
  return volumeHealth.healthStatuses.map(({ reason }: { reason: string }) => reason);
}
