/** Volumes that move between two sites and lose nothing: by our operations, with Ceph's own programs as witnesses at both. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MirrorMode } from '../../src/mirror/index.ts';
import { eventually, MirrorBed, type MirrorPool, type MirrorSide } from '../support/mirror/mirror-bed.ts';
import {
  allDone,
  bringHome,
  compareSites,
  factsAt,
  failureOf,
  fetch,
  intend,
  mirrored,
  move,
  peer,
  policyOf,
  until,
} from '../support/mirror/sites.ts';
import { anImage } from '../support/volume-specs.ts';

/** In its long form with journals, and many times: test/soak/mirror. */
const SOAK = process.env['LOLIGO_SOAK'] === '1';

let bed: MirrorBed;
before(async () => {
  bed = await MirrorBed.start();
});
after(async () => await bed[Symbol.asyncDispose]());

test('two pools become peers, stay so when asked again, and what somebody changed is mended', async () => {
  await using pool = await bed.freshPool();

  await peer(pool);
  const again = await fetch(pool.west, pool.east, { direction: 'rx-tx' });
  const [known] = (await factsAt(pool.west)).peers;
  await bed.west.rbd('mirror', 'pool', 'peer', 'set', pool.name, known?.uuid ?? '', 'client', 'client.somebody');
  const mended = await fetch(pool.west, pool.east, { direction: 'rx-tx' });
  const rotated = await fetch(pool.west, pool.east, { direction: 'rx-tx', user: 'loligo-mirror-2' });

  assert.deepEqual([again, mended, rotated], [[], ['user'], ['user', 'key']]);
  const info = await bed.west.rbdJson('mirror', 'pool', 'info', pool.name, '--all');
  const { mode, site_name, peers } = info as {
    mode: string;
    site_name: string;
    peers: { client_name: string; site_name: string; key: string }[];
  };
  assert.deepEqual([mode, site_name, peers.length, peers[0]?.site_name], ['image', 'west', 1, 'east']);
  assert.equal(peers[0]?.client_name, `client.loligo-mirror-2-${pool.name}`);
  assert.equal(peers[0]?.key, (await bed.east.ceph('auth', 'print-key', `client.loligo-mirror-2-${pool.name}`)).trim());
  assert.match(
    await bed.east.ceph('auth', 'get', `client.loligo-mirror-${pool.name}`),
    new RegExp(`osd = "profile rbd pool=${pool.name}"`),
  );
  assert.match(await bed.west.rbd('config', 'pool', 'get', pool.name, 'rbd_mirroring_delete_delay'), /3600/);
});

for (const mode of SOAK ? (['snapshot', 'journal'] as const) : (['snapshot'] as const)) {
  test(`${mode}: a volume moves over and straight back, and each time every byte is there`, async () => {
    await using pool = await bed.freshPool();
    await peer(pool);
    await mirrored(pool, mode, ['v', 'w']);
    await until(pool, 90, ({ state }) => state === 'replicating');
    await untilReplaying(pool.west, 'v');

    const written = [await write(pool.east, 'v'), await write(pool.east, 'w')];
    await move(pool, pool.east, pool.west);
    const arrived = [await pool.west.pool.checksum('v'), await pool.west.pool.checksum('w')];
    const writtenThere = await write(pool.west, 'v');
    const early = await straightBack(pool, mode);
    await bringHome(pool, pool.west, pool.east);

    assert.deepEqual(arrived, written);
    assert.equal(early, 'refused');
    assert.equal(await pool.east.pool.checksum('v'), writtenThere);
    assert.equal((await compareSites(pool)).get('v')?.primary, 'here');
  });
}

for (const mode of SOAK ? (['snapshot', 'journal'] as const) : (['snapshot'] as const)) {
  test(`${mode}: demoted before the old primary saw anything of it, a volume goes on where it was, and comes home whole`, async () => {
    await using pool = await bed.freshPool();
    await peer(pool);
    await mirrored(pool, mode, ['v']);
    await until(pool, 90, ({ state }) => state === 'replicating');
    await untilReplaying(pool.west, 'v');
    await write(pool.east, 'v');

    bed.east.pause('rbd-mirror');
    await move(pool, pool.east, pool.west);
    const written = await write(pool.west, 'v');
    for (let count = 0; mode === 'snapshot' && count < 6; count += 1) {
      allDone(await pool.west.engine.takeMirrorSnapshots({ place: pool.place, images: ['v'] }));
    }
    allDone(await pool.west.engine.demoteImages({ place: pool.place, images: ['v'] }));
    await bed.east.resume('rbd-mirror');
    // Twice as long as its daemon needs to look for something to do.
    await sleep(8000);
    const stuck = (await compareSites(pool)).get('v')?.promote;
    await bringHome(pool, pool.west, pool.east);

    assert.deepEqual([stuck?.here, stuck?.there.safe], [{ safe: false, why: 'NotReplayed' }, true]);
    assert.equal(await pool.east.pool.checksum('v'), written);
  });
}

test('a copy is neither published nor deleted, and the answer says where it is primary', async () => {
  await using pool = await bed.freshPool();
  await peer(pool);
  await mirrored(pool, 'snapshot', ['v']);
  await until(pool, 90, ({ state }) => state === 'replicating');
  const volume = anImage(pool.place, 'v');
  const truth = {
    epoch: 1,
    primarySite: 'east',
    specHash: '',
    intent: undefined,
    peer: undefined,
    updatedBy: 'test',
    updatedAt: 0,
  };
  const publish = { volume, node: 'one@10.0.0.1', mode: 'single-writer', readonly: false, nodeLimit: 0 } as const;
  for (const { engine } of [pool.east, pool.west]) {
    await engine.changeMirrorTruth({ ...policyOf(pool), revision: '', to: truth });
  }

  const refused = pool.west.engine.publishVolume(publish);
  await assert.rejects(refused, { kind: 'precondition', reason: 'NOT_PRIMARY', message: /at site east since epoch 1/ });
  await pool.west.engine.deleteVolume(volume);
  await pool.east.engine.publishVolume(publish);
  const { revision } = await pool.east.engine.mirrorTruth(policyOf(pool));
  const peerTruth = { epoch: 2, primarySite: 'west', at: 1 };
  await pool.east.engine.changeMirrorTruth({ ...policyOf(pool), revision, to: { ...truth, peer: peerTruth } });

  await assert.rejects(pool.east.engine.publishVolume(publish), { kind: 'precondition', reason: 'PRIMARY_SUPERSEDED' });
  await pool.east.engine.deleteVolume(volume);
  const other = pool.east.engine.changeMirrorTruth({ ...policyOf(pool), revision, to: truth });
  await assert.rejects(other, { kind: 'busy', reason: 'TRUTH_CHANGED' });
  assert.deepEqual([await pool.east.pool.images(), await pool.west.pool.images()], [['v'], ['v']]);
});

test('with the other site frozen, what was copied is promoted by force once that is intended, and not before', async () => {
  await using pool = await bed.freshPool();
  await peer(pool);
  await mirrored(pool, 'snapshot', ['v']);
  await until(pool, 90, ({ state }) => state === 'replicating');
  const written = await write(pool.east, 'v');
  const images = { place: pool.place, images: ['v'] };
  allDone(await pool.east.engine.takeMirrorSnapshots(images));
  const newest = (await factsAt(pool.east)).images[0]?.detail?.snapshots[0]?.id;
  await until(pool, 30, ({ copied }) => copied?.snapshotId === newest);
  const force = { ...images, policy: policyOf(pool), epoch: 2 };

  await assert.rejects(pool.west.engine.forcePromoteImages(force), { reason: 'FORCE_NOT_INTENDED' });
  await intend(pool);
  const attached = failureOf(await pool.west.engine.forcePromoteImages(force));
  await using east = bed.east.freeze();
  const { stillWatching } = await pool.west.engine.stopReplay(images);
  allDone(await pool.west.engine.forcePromoteImages(force));
  const promoted = await pool.west.pool.checksum('v');
  await east[Symbol.asyncDispose]();

  assert.equal(attached, 'REPLAYER_ATTACHED');
  assert.deepEqual(stillWatching, []);
  assert.equal(promoted, written);
  const seen = await until(pool, 60, ({ state }) => state === 'split-brain');
  assert.equal(seen.get('v')?.reason, 'BothPrimary');
});

/** Writes over the whole volume, and gives its checksum. */
async function write(side: MirrorSide, image: string): Promise<string> {
  const bench = ['bench', image, '--io-type', 'write', '--io-size', '64K', '--io-total', '4M', '--io-pattern', 'rand'];
  await side.pool.rbd(...bench);
  return await side.pool.checksum(image);
}

/** What plain `rbd` would do at once after a move, and lose data by. */
async function straightBack(pool: MirrorPool, mode: MirrorMode): Promise<string> {
  const images = ['v', 'w'];
  const before = (await factsAt(pool.east)).images.map(({ image, detail }) => ({ image, standing: detail?.standing }));
  allDone(await pool.west.engine.demoteImages({ place: pool.place, images }));
  const facts = await factsAt(pool.west);
  const named = facts.images.map(({ image, detail }) => {
    const standing = detail?.standing;
    assert.ok(standing?.role === 'demoted', `${mode} ${image}: ${JSON.stringify(before)}`);
    return { image, demotion: standing.mark };
  });
  const outcomes = await pool.east.engine.promoteImages({ place: pool.place, images: named });
  const reasons = outcomes.map(({ failure }) => failure?.reason);
  return reasons.every((reason) => reason === 'DEMOTION_STALE' || reason === 'DEMOTION_NOT_PROPAGATED')
    ? 'refused'
    : reasons.join();
}

async function untilReplaying({ pool }: MirrorSide, image: string): Promise<void> {
  await eventually(
    60,
    () => pool.rbd('mirror', 'image', 'status', image),
    (text) => text.includes('up+replaying'),
  );
}
