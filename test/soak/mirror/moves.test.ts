/** Twenty moves, ten each way, some straight back: what was written before the volume was taken away is there each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeGeneration } from '../../support/mirror/generations.ts';
import { MirrorBed } from '../../support/mirror/mirror-bed.ts';
import { mirrored, move, peer, until } from '../../support/mirror/sites.ts';
import { MiB } from '../../support/volume-specs.ts';

const MOVES = Number(process.env['LOLIGO_MOVES'] ?? '20');

for (const mode of ['snapshot', 'journal'] as const) {
  test(`${mode}: ${MOVES} moves lose nothing`, { timeout: 60 * 60_000 }, async () => {
    await using bed = await MirrorBed.start();
    await using pool = await bed.freshPool();
    await peer(pool);
    await mirrored(pool, mode, ['v']);
    await until(pool, 90, ({ state }) => state === 'replicating');
    let [from, to] = [pool.east, pool.west];

    for (let count = 1; count <= MOVES; count += 1) {
      await writeGeneration(from.pool, 'v', { byte: count, size: 32n * MiB });
      const written = await from.pool.checksum('v');
      const began = Date.now();
      await move(pool, from, to);
      const seconds = (Date.now() - began) / 1000;
      assert.equal(await to.pool.checksum('v'), written, `move ${count}`);
      console.log(`${mode} move ${count}: ${seconds.toFixed(1)} s`);
      [from, to] = [to, from];
      // Every third move goes straight back; the others wait until the old primary replays.
      if (count % 3 !== 0) await until(pool, 120, ({ settled }) => settled);
    }
  });
}
