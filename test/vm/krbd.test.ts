/** The Node service on the kernel's own client, in a virtual machine; looked at with rbd, findmnt and /proc in there. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { answerOf } from '../support/driver-bed.ts';
import { VmBed } from '../support/vm/node-bed.ts';
import { nodeContract } from './node-contract.ts';

const bed = await VmBed.open();
after(() => bed[Symbol.asyncDispose]());
const { machine } = bed;

nodeContract({ bed, mapper: 'krbd' });

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
