/** Many volumes at once: the engine's batches beside `rbd mirror pool demote` and `promote`, on the same clusters in one run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, MirrorBed } from '../../support/mirror/mirror-bed.ts';
import { allDone, mirrored, move, peer, until } from '../../support/mirror/sites.ts';

const VOLUMES = Number(process.env['LOLIGO_VOLUMES'] ?? '100');

test(`${VOLUMES} volumes move in less than the time of Ceph's own tool`, { timeout: 30 * 60_000 }, async () => {
  await using bed = await MirrorBed.start({ stock: true });
  await using pool = await bed.freshPool();
  await peer(pool);
  const images = Array.from({ length: VOLUMES }, (_, index) => `v${index}`);
  await mirrored(pool, 'snapshot', images);
  await until(pool, 600, ({ state }) => state === 'replicating');

  const snapshots = await timed(async () => {
    allDone(await pool.east.engine.takeMirrorSnapshots({ place: pool.place, images }));
  });
  const ours = await timed(() => move(pool, pool.east, pool.west));
  await until(pool, 600, ({ settled }) => settled);
  const tool = await timed(async () => {
    await pool.west.ceph.rbd('mirror', 'pool', 'demote', pool.name);
    await eventually(
      600,
      () => promoted(pool.east.ceph, pool.name),
      (done) => done,
    );
  });

  console.log({ VOLUMES, snapshots, ours, tool, ratio: ours / tool });
  assert.ok(ours < tool);
});

/** It promotes what it can, and says by its exit code whether that was all. */
async function promoted(ceph: MirrorBed['east'], pool: string): Promise<boolean> {
  try {
    await ceph.rbd('mirror', 'pool', 'promote', pool);
    return true;
  } catch {
    return false;
  }
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return Math.round(performance.now() - began) / 1000;
}
