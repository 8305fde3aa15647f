/** The bed itself: what the other tests of this folder take for granted. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { GuestError } from '../support/vm/agent-client.ts';
import { Machine } from '../support/vm/machine.ts';
import { sharedNetwork } from '../support/vm/shared-network.ts';

const { network, ceph } = sharedNetwork();
const machine = await Machine.start(network);
after(() => machine[Symbol.asyncDispose]());
await machine.useCeph(ceph);

test("the machine runs Debian's kernel, which has rbd, nbd and dm-crypt", async () => {
  const version = await machine.run('uname', ['-r']);
  await machine.run('modprobe', ['-a', 'rbd', 'nbd', 'dm_crypt', 'ext4', 'xfs']);

  assert.equal(version.trim(), machine.kernel);
  assert.match(await machine.run('cat', ['/proc/modules']), /^rbd /m);
});

test('an image is mapped by hand, written, and read back with the program rbd outside', async () => {
  await using pool = await ceph.freshNamespace();
  await pool.rbd('create', 'by-hand', '--size', '64M');

  const device = (await machine.run('rbd', ['device', 'map', '--options', 'noudev', `${pool.spec}/by-hand`])).trim();
  await machine.run('dd', [`of=${device}`, 'bs=1M', 'conv=fsync'], { input: 'loligo was here' });
  await machine.run('rbd', ['device', 'unmap', '--options', 'noudev', device]);

  assert.match(await pool.rbd('export', 'by-hand', '-'), /^loligo was here/);
});

test('a program that fails in the machine says so outside', async () => {
  const failing = machine.run('ls', ['/nowhere']);

  await assert.rejects(failing, (error) => error instanceof GuestError && error.exit === 2 && /nowhere/.test(error.stderr));
  await assert.rejects(machine.run('sleep', ['60'], { timeout: 500 }), { name: 'GuestError' });
});

test('after a power cut the disk has what was synced, and memory is empty', async () => {
  await machine.write('/var/lib/loligo/kept', 'kept');
  await machine.run('sync', ['-f', '/var/lib/loligo']);
  await machine.write('/run/lost', 'lost');

  await machine.reset();

  assert.equal(await machine.run('cat', ['/var/lib/loligo/kept']), 'kept');
  await assert.rejects(machine.run('cat', ['/run/lost']), { exit: 1 });
});
