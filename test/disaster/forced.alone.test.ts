/** One site is lost: the other one is promoted by force, and the lost one comes back. By kubectl, with Ceph's programs as witnesses. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Kind, MicroCeph } from '../support/micro-ceph.ts';
import { condition, DisasterBed } from './disaster-bed.ts';

const ALL: readonly Kind[] = ['rbd-mirror', 'osd', 'mgr', 'mon'];

let bed: DisasterBed;
before(async () => {
  bed = await DisasterBed.start();
});
after(async () => await bed?.[Symbol.asyncDispose]());

test('a lost site: refused without acceptance, forced within the shown loss, and copied anew when it is back', async (t) => {
  await using pool = await bed.mirror.freshPool();
  await bed.createVolumes(pool, ['v', 'w']);
  await bed.apply(pool, { onReturn: 'Resync' });
  await pool.east.pool.rbd('bench', 'v', '--io-type', 'write', '--io-size', '64K', '--io-total', '4M', '--io-pattern', 'rand');
  const written = await pool.east.pool.checksum('v');
  await bed.until(pool, ({ volumes, lag }) => volumes?.summary === '2/2' && lag !== undefined);
  await bed.untilCopied(pool.west, 'v', written);

  lose(bed.mirror.east);
  const lost = Date.now();
  await bed.patch(pool, { primarySite: 'west', epoch: 2 });
  const refused = await bed.until(pool, (status) => condition(status, 'Blocked').startsWith('True PeerUnreachable'));
  await bed.patch(pool, { acceptDataLoss: { epoch: 2, upTo: '1s' } });
  const tooMuch = await bed.until(pool, (status) => condition(status, 'Blocked').startsWith('True LossTooLarge'), 60);
  await bed.patch(pool, { acceptDataLoss: { epoch: 2, upTo: '10m' } });
  const accepted = Date.now();
  const forced = await bed.until(pool, ({ epoch }) => epoch === 2, 180);

  t.diagnostic(
    `loss shown before: ${tooMuch.lossIfForced}; primary ${((Date.now() - accepted) / 1000).toFixed(1)} s after the acceptance`,
  );
  t.diagnostic(JSON.stringify(forced.lastMove));
  assert.equal(refused.primarySite, 'east');
  assert.equal(forced.primarySite, 'west');
  assert.equal(await pool.west.pool.checksum('v'), written);
  assert.ok(Date.now() - lost < 240_000);

  await bed.mirror.west.restart('rbd-mirror');
  await comeBack(bed.mirror.east);
  const back = Date.now();
  const safe = await bed.until(pool, ({ volumes, phase }) => phase === 'Steady' && volumes?.summary === '2/2', 300);

  t.diagnostic(`copied anew and safe ${((Date.now() - back) / 1000).toFixed(1)} s after the return`);
  assert.equal(condition(safe, 'SplitBrain'), 'False None');
  const info = await Promise.all([pool.east, pool.west].map(({ pool: side }) => side.rbdJson('info', 'v')));
  assert.deepEqual(
    info.map((image) => (image as { mirroring: { primary: boolean } }).mirroring.primary),
    [false, true],
  );
});

/** SIGSTOP: its addresses take connections, and nobody answers any more. */
function lose(ceph: MicroCeph): void {
  for (const kind of ALL) ceph.pause(kind);
}

async function comeBack(ceph: MicroCeph): Promise<void> {
  await Promise.allSettled(ALL.map((kind) => ceph.resume(kind)));
  // An OSD that was held still for long aborts itself.
  for (const kind of ['osd', 'rbd-mirror'] as const) await ceph.restart(kind);
}
