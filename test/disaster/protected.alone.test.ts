/** From an applied policy to volumes that are safe, and a planned move: by kubectl, with Ceph's programs as witnesses. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { condition, DisasterBed } from './disaster-bed.ts';

let bed: DisasterBed;
before(async () => {
  bed = await DisasterBed.start();
});
after(async () => await bed?.[Symbol.asyncDispose]());

test('a policy is applied, and everything in its pool is mirrored; one line says so', async (t) => {
  await using pool = await bed.mirror.freshPool();
  await bed.createVolumes(pool, ['v', 'w']);
  const begun = Date.now();

  await bed.apply(pool);
  const status = await bed.until(pool, ({ phase, volumes }) => phase === 'Steady' && volumes?.summary === '2/2');

  t.diagnostic(
    `from apply to safe: ${((Date.now() - begun) / 1000).toFixed(1)} s; the operator has ${bed.operator.memory().toFixed(0)} MB`,
  );
  assert.deepEqual(
    ['PeerReady', 'Replicating', 'SplitBrain', 'Blocked'].map((type) => condition(status, type)),
    ['True Ready', 'True AllReplicating', 'False None', 'False NotBlocked'],
  );
  assert.deepEqual([status.primarySite, status.epoch], ['east', 1]);
  const west = await pool.west.ceph.rbdJson('ls', pool.name);
  assert.deepEqual(west, ['v', 'w']);
  t.diagnostic(await bed.api.kubectl('get', 'mp,mv', '--output', 'wide'));
});

test('a planned move loses nothing, and back again', async (t) => {
  await using pool = await bed.mirror.freshPool();
  await bed.createVolumes(pool, ['v', 'w', 'x']);
  await bed.apply(pool);
  await bed.until(pool, ({ volumes }) => volumes?.summary === '3/3');

  let [from, to] = [pool.east, pool.west];
  for (const epoch of [2, 3]) {
    await from.pool.rbd('bench', 'v', '--io-type', 'write', '--io-size', '64K', '--io-total', '4M', '--io-pattern', 'rand');
    const written = await from.pool.checksum('v');
    await bed.until(pool, (status) => condition(status, 'SafeToSwitchover') === 'True Safe');
    const begun = Date.now();
    await bed.patch(pool, { primarySite: to.name, epoch });
    const moved = await bed.until(pool, (status) => status.epoch === epoch);

    t.diagnostic(
      `epoch ${epoch}: primary at ${to.name} after ${((Date.now() - begun) / 1000).toFixed(1)} s: ${JSON.stringify(moved.lastMove)}`,
    );
    assert.equal(moved.primarySite, to.name);
    assert.equal(await to.pool.checksum('v'), written);
    const info = await Promise.all([from, to].map(({ pool: side }) => side.rbdJson('info', 'v')));
    assert.deepEqual(
      info.map((image) => (image as { mirroring: { primary: boolean } }).mirroring.primary),
      [false, true],
    );
    [from, to] = [to, from];
  }
});
