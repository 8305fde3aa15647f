/** The Node service on rbd-nbd, in a virtual machine. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf, untilOk } from '../support/driver-bed.ts';
import { until } from '../support/kubernetes/waiting.ts';
import { VmBed, type VmVolume } from '../support/vm/node-bed.ts';
import { nodeContract } from './node-contract.ts';
import { WRITER } from './writer.ts';

const bed = await VmBed.open();
after(() => bed[Symbol.asyncDispose]());
const { machine } = bed;
const mapper = 'nbd';
/** Milliseconds: Ceph waits 30 s for a dead client, and the machine is slow. */
const PATIENCE = 300_000;

nodeContract({ bed, mapper });

test('nbd: a process that was killed is replaced, and who writes meanwhile sees no error', async () => {
  const volume = await bed.image('healed', 512, { mapper });
  await bed.stage(volume);
  await bed.publish(volume);
  const before = await processOf(volume);
  const writer = await machine.start('/node/node', [...WRITER, `${volume.targetPath}/numbers`, '/run/count'], '/run/writer.log');
  await until(async () => (await counted()) > 5, { what: 'the writer writes', timeout: 60_000 });

  await machine.run('kill', ['-KILL', before]);
  const killed = await counted();
  await until(async () => (await counted()) > killed + 20, { what: 'the writer goes on', timeout: PATIENCE });
  const after = await processOf(volume);
  const { volumeHealth } = await bed.csi.call('NodeGetVolumeHealth', { volumeId: volume.volumeId });
  await machine.run('kill', [String(writer)]);
  await sleep(500);

  assert.notEqual(after, before);
  assert.deepEqual(volumeHealth.healthStatuses, []);
  assert.equal(await machine.run('cat', ['/run/writer.log']), '');
  await bed.takeAway(volume);
  await bed.stage(volume);
  const numbers = (await machine.run('cat', [`${volume.stagingTargetPath}/numbers`])).split('\n').slice(0, killed + 20);
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => String(index)),
  );
  await bed.unstage(volume);
  assert.deepEqual(await bed.leftovers(), []);
});

test('nbd: the process goes while no node role is there: the next one has it replaced, or takes the device away', async () => {
  const volumes = await Promise.all(['orphan-a', 'orphan-b'].map((name) => bed.image(name, 64, { block: true, mapper })));
  for (const volume of volumes) await bed.stage(volume);
  const devices = await bed.devices(mapper);

  await bed.killDriver();
  for (const volume of volumes) await machine.run('kill', ['-KILL', await processOf(volume)]);
  await bed.startDriver();
  for (const volume of volumes)
    await until(async () => (await processOf(volume)) !== '', { what: 'another process', timeout: PATIENCE });
  const [first, second] = volumes as [VmVolume, VmVolume]; // two were made
  await bed.publish(first);
  await machine.run('dd', [`of=${first.targetPath}`, 'bs=1M', 'conv=fsync'], { input: 'after it' });

  assert.equal((await bed.devices(mapper)).length, devices.length);
  assert.match(await bed.pool.rbd('export', first.image, '-'), /^after it/);
  await bed.takeAway(first);
  await bed.unstage(second);
  assert.deepEqual(await bed.leftovers(), []);
});

test('nbd: where another node has the volume meanwhile, no process takes over', async () => {
  await machine.useCeph(bed.ceph);
  await machine.run('mkdir', ['-p', '/var/run/ceph']); // The program by hand makes its socket there.
  const volume = await bed.image('taken', 64, { block: true, mapper });
  await bed.stage(volume);
  await bed.killDriver();
  await machine.run('kill', ['-KILL', await processOf(volume)]);
  const spec = `${bed.pool.spec}/taken`;
  const foreign = ['map', spec, '--exclusive', '--try-netlink'];
  const other = (await machine.run('rbd-nbd', foreign, { timeout: PATIENCE })).trim().split('\n').at(-1) ?? '';

  await bed.startDriver();
  await until(async () => (await bed.log()).includes('IMAGE_READ_ONLY'), { what: 'a process that is refused', timeout: PATIENCE });
  const mapped = await machine.run('pgrep', ['--full', '^rbd-nbd ']);
  await machine.run('rbd-nbd', ['unmap', other]);
  await until(async () => (await processOf(volume)) !== '', { what: 'another process', timeout: PATIENCE });
  await bed.unstage(volume);

  assert.equal(mapped.trim().split('\n').length, 1, mapped);
  assert.deepEqual(await bed.leftovers(), []);
});

test('nbd: a volume is unstaged with Ceph away, and staged again when it is back', async () => {
  const volume = await bed.image('away', 64, { block: true, mapper });
  await bed.stage(volume);
  const [device] = await bed.devices(mapper);
  await machine.run('dd', [`of=${device?.device}`, 'bs=1M', 'conv=fsync'], { input: 'takes the lock' });

  bed.ceph.pause('osd');
  const unstaged = await answerOf(bed.unstage(volume));
  const left = await bed.leftovers();
  await bed.ceph.resume('osd');
  await untilOk(() => bed.stage(volume), 300);
  await bed.unstage(volume);

  assert.deepEqual([unstaged.status, left], ['OK', []]);
  assert.match(await bed.pool.rbd('export', volume.image, '-'), /^takes the lock/);
});

test('nbd: after a power cut every byte that was synced is there', async () => {
  const volume = await bed.image('cut', 512, { mapper });
  await bed.stage(volume);
  await bed.publish(volume);

  await machine.start('/node/node', [...WRITER, `${volume.targetPath}/numbers`, '/var/lib/loligo/synced'], '/run/writer.log');
  await sleep(8_000);
  await bed.reset();
  const synced = Number(await machine.run('cat', ['/var/lib/loligo/synced']));
  await untilOk(() => bed.stage(volume), 300);
  const numbers = (await machine.run('cat', [`${volume.stagingTargetPath}/numbers`])).split('\n').slice(0, synced);

  assert.ok(synced > 10, `only ${synced} writes were synced`);
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => String(index)),
  );
  await bed.takeAway(volume);
  assert.deepEqual(await bed.leftovers(), []);
});

test('nbd: options of the class reach librbd, and others are refused by name', async () => {
  const volume = await bed.image('options', 64, { block: true, mapper, mapOptions: 'rbd_read_from_replica_policy=localize' });

  await bed.stage(volume);
  const conf = await machine.run('bash', ['-c', 'cat /var/lib/loligo/state/volumes/*/nbd.conf']);
  const other = await answerOf(bed.stage(bed.volume('options', { mapper, mapOptions: 'keyring=AQ' })));
  await bed.unstage(volume);

  assert.match(conf, /^rbd_read_from_replica_policy = localize$/m);
  assert.equal(other.status, 'INVALID_ARGUMENT');
  assert.match(other.details, /nbd mapper has no keyring/);
});

test('nbd: a volume that is held by its process is grown and snapshotted from outside', async () => {
  const volume = await bed.image('operated', 64, { block: true, mapper });
  await bed.stage(volume);

  await bed.pool.rbd('snap', 'create', `${volume.image}@now`);
  await bed.pool.rbd('snap', 'rm', `${volume.image}@now`, '--no-progress');
  const status = await bed.pool.rbd('status', volume.image);
  const lock = await bed.pool.rbd('lock', 'ls', volume.image);
  await bed.unstage(volume);

  assert.match(status, new RegExp(`watcher=${machine.address}:`));
  assert.match(lock, /auto/);
  assert.match(await bed.pool.rbd('status', volume.image), /Watchers: none/);
  assert.deepEqual(await bed.leftovers(), []);
});

async function counted(): Promise<number> {
  return Number(await machine.run('cat', ['/run/count']).catch(() => '0'));
}

/** '' when there is none. */
async function processOf({ image }: VmVolume): Promise<string> {
  const found = await machine.run('pgrep', ['--full', `^rbd-nbd .*/${image} `]).catch(() => '');
  return found.trim();
}
