/** Staging and unstaging again and again, on the kernel's own client. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { VmBed } from '../support/vm/node-bed.ts';

const bed = await VmBed.open();
after(() => bed[Symbol.asyncDispose]());
const { machine } = bed;

test('a hundred times staged and unstaged leaves no device, mapping, key or mount', async () => {
  const volume = await bed.image('often', 64, { block: true });

  for (let round = 0; round < 100; round++) {
    await bed.stage(volume);
    await bed.unstage(volume);
  }

  assert.deepEqual(await bed.leftovers(), []);
  assert.equal(await machine.run('find', ['/sys/bus/rbd/devices', '-mindepth', '1']), '');
  assert.match(await bed.pool.rbd('status', volume.image), /Watchers: none/);
});
