/** A site that is gone: what the other one can promote, and what it never does. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Truth } from '../../../src/mirror/index.ts';
import { compareImage, isTorn, pairImages } from '../../../src/mirror/index.ts';
import { diedAt } from '../../support/died-at.ts';
import { readGenerations, writeGeneration } from '../../support/mirror/generations.ts';
import { eventually, MirrorBed, type MirrorPool } from '../../support/mirror/mirror-bed.ts';
import { allDone, factsAt, failureOf, intend, mirrored, move, peer, policyOf, until } from '../../support/mirror/sites.ts';
import { MiB } from '../../support/volume-specs.ts';

let bed: MirrorBed;
before(async () => {
  bed = await MirrorBed.start();
});
after(async () => await bed[Symbol.asyncDispose]());

const SIZE = 32n * MiB;

for (const mode of ['snapshot', 'journal'] as const) {
  test(`${mode}: with the other site frozen, what was copied is promoted by force once that is intended, and not before`, async () => {
    await using pool = await bed.freshPool();
    await peer(pool);
    await mirrored(pool, mode, ['v']);
    await until(pool, 90, ({ state }) => state === 'replicating');
    await writeGeneration(pool.east.pool, 'v', { byte: 1, size: SIZE });
    if (mode === 'snapshot') allDone(await pool.east.engine.takeMirrorSnapshots({ place: pool.place, images: ['v'] }));
    const written = await pool.east.pool.checksum('v');
    if (mode === 'snapshot') {
      const newest = (await factsAt(pool.east)).images[0]?.detail?.snapshots[0]?.id;
      await until(pool, 30, ({ copied }) => copied?.snapshotId === newest);
    } else {
      await eventually(
        60,
        () => pool.west.pool.rbd('mirror', 'image', 'status', 'v'),
        (text) => /"entries_behind_primary":0/.test(text),
      );
      await sleep(12_000);
    }
    const images = { place: pool.place, images: ['v'] };
    const force = { ...images, policy: policyOf(pool), epoch: 2 };

    await assert.rejects(pool.west.engine.forcePromoteImages(force), { reason: 'FORCE_NOT_INTENDED' });
    await intend(pool);
    const attached = mode === 'snapshot' ? failureOf(await pool.west.engine.forcePromoteImages(force)) : 'REPLAYER_ATTACHED';
    await using east = bed.east.freeze();
    const began = Date.now();
    const stopped = await pool.west.engine.stopReplay(images);
    const stoppedAt = Date.now() - began;
    allDone(await pool.west.engine.forcePromoteImages(force));
    console.log(`${mode}: ${JSON.stringify(stopped)} after ${stoppedAt} ms; promoted after ${Date.now() - began} ms`);

    assert.equal(attached, 'REPLAYER_ATTACHED');
    assert.equal(await pool.west.pool.checksum('v'), written);
    const info = (await pool.west.pool.rbdJson('info', 'v')) as { mirroring: { primary: boolean } };
    assert.equal(info.mirroring.primary, true);
    await east[Symbol.asyncDispose]();
    const seen = await until(pool, 60, ({ state }) => state === 'split-brain');
    assert.equal(seen.get('v')?.reason, 'BothPrimary');
  });
}

test('a forced promote during a copy gives one state and no mixture, and no older one than was said', async () => {
  await using pool = await bed.freshPool();
  await peer(pool);
  await threeGenerations(pool);
  await using east = bed.east.freeze();
  const { images } = await factsAt(pool.west);
  const [pair] = pairImages(undefined, { ...(await factsAt(pool.west)), images }).values();
  assert.ok(pair !== undefined);
  const said = compareImage({ ...pair, remembered: [], now: Date.now() });
  console.log('mid-copy', JSON.stringify(images[0]?.detail?.snapshots), JSON.stringify(said));

  await intend(pool);
  const stopped = await pool.west.engine.stopReplay({ place: pool.place, images: ['big'] });
  const began = Date.now();
  allDone(await pool.west.engine.forcePromoteImages({ place: pool.place, images: ['big'], policy: policyOf(pool), epoch: 2 }));
  console.log('stopped', stopped, 'promoted in', Date.now() - began);

  const generations = new Set(await readGenerations(pool.west.pool, 'big'));
  console.log('generations', [...generations]);
  assert.equal(generations.size, 1);
  await east[Symbol.asyncDispose]();
});

test('the site that comes back is demoted and copied anew only once it knows who is primary, and then moves back whole', async () => {
  await using pool = await bed.freshPool();
  await peer(pool);
  await mirrored(pool, 'snapshot', ['v']);
  await until(pool, 90, ({ state }) => state === 'replicating');
  const images = { place: pool.place, images: ['v'] };
  await using east = bed.east.freeze();
  await intend(pool);
  const { cutOff } = await pool.west.engine.stopReplay(images);
  allDone(await pool.west.engine.forcePromoteImages({ ...images, policy: policyOf(pool), epoch: 2 }));
  await pool.west.engine.allowReplay({ addresses: cutOff });
  await writeGeneration(pool.west.pool, 'v', { byte: 7, size: SIZE });
  await east[Symbol.asyncDispose]();
  const resync = { ...images, policy: policyOf(pool), epoch: 2 };

  await assert.rejects(pool.east.engine.resyncImages(resync), { reason: 'NOT_SUPERSEDED' });
  const truth: Truth = {
    epoch: 2,
    primarySite: 'west',
    specHash: '',
    intent: undefined,
    peer: undefined,
    updatedBy: 'test',
    updatedAt: 0,
  };
  await pool.east.engine.changeMirrorTruth({ ...policyOf(pool), revision: '', to: truth });
  assert.equal(failureOf(await pool.east.engine.resyncImages(resync)), 'IMAGE_IS_PRIMARY');
  allDone(await pool.east.engine.demoteImages(images));
  allDone(await pool.east.engine.resyncImages(resync));
  allDone(await pool.east.engine.resyncImages(resync));
  await until(pool, 120, ({ state, settled }) => state === 'replicating' && settled);
  const written = await pool.west.pool.checksum('v');
  await move(pool, pool.west, pool.east);

  assert.equal(await pool.east.pool.checksum('v'), written);
  await until(pool, 120, ({ state, settled }) => state === 'replicating' && settled);
});

test('a volume that somebody writes to is not demoted, and one that was never copied whole is not promoted', async () => {
  await using pool = await bed.freshPool();
  await peer(pool);
  await mirrored(pool, 'snapshot', ['v']);
  await until(pool, 90, ({ state }) => state === 'replicating');
  const images = { place: pool.place, images: ['v'] };
  const bench = ['bench', `${pool.name}/v`, '--io-type', 'write', '--io-total', '10G'];
  const writer = spawn('rbd', ['-c', bed.east.conf, ...bench], { stdio: 'ignore' });
  const ended = new Promise((done) => writer.once('close', done));
  try {
    // The peer's mirror daemon watches it, too.
    await eventually(
      30,
      () => pool.east.pool.rbd('status', 'v'),
      (text) => text.match(/watcher=/g)?.length === 2,
    );
    assert.equal(failureOf(await pool.east.engine.demoteImages(images)), 'IMAGE_IN_USE');
  } finally {
    writer.kill('SIGINT');
    await ended;
  }
  assert.equal((await factsAt(pool.east)).images[0]?.detail?.standing.role, 'primary');

  await pool.east.pool.rbd('create', 'fresh', '--size', '512M');
  await writeGeneration(pool.east.pool, 'fresh', { byte: 1, size: 512n * MiB });
  const spec = { place: pool.place, mode: 'snapshot', parents: 'refuse', policy: policyOf(pool) } as const;
  allDone(await pool.east.engine.enableMirroring({ ...spec, images: ['fresh'] }));
  await eventually(
    60,
    () => factsAt(pool.west),
    (facts) => facts.images.some(({ image }) => image === 'fresh'),
  );
  await using east = bed.east.freeze();
  await intend(pool);
  await pool.west.engine.stopReplay({ place: pool.place, images: ['fresh'] });
  const refused = await pool.west.engine.forcePromoteImages({
    place: pool.place,
    images: ['fresh'],
    policy: policyOf(pool),
    epoch: 2,
  });
  await east[Symbol.asyncDispose]();

  assert.equal(failureOf(refused), 'COPY_INCOMPLETE');
});

for (const how of ['by our own process after 1100 ms', 'by the tool while it waited for a daemon'] as const) {
  test(`a forced promote that was killed (${how}) is seen, and the next one gives one state all the same`, async () => {
    await using pool = await bed.freshPool();
    await peer(pool);
    await threeGenerations(pool);
    await using east = bed.east.freeze();
    await intend(pool);
    const images = { place: pool.place, images: ['big'] };
    const force = { ...images, policy: policyOf(pool), epoch: 2 };

    if (how === 'by the tool while it waited for a daemon') {
      await killedTool(pool, 8000);
      await pool.west.engine.stopReplay(images);
      assert.equal(isTorn((await factsAt(pool.west)).images[0]?.detail?.snapshots ?? []), true);
    } else {
      await pool.west.engine.stopReplay(images);
      const death = { operation: 'forcePromoteImages', args: force, call: 'rbd_aio_mirror_image_promote', after: 1100 } as const;
      assert.equal(await diedAt(pool.west.pool, pool.west.bed, death), true);
    }
    console.log(how, JSON.stringify((await factsAt(pool.west)).images[0]?.detail?.snapshots));
    // What was killed watches the image for half a minute more.
    await eventually(
      60,
      () => pool.west.engine.forcePromoteImages(force),
      (outcomes) => failureOf(outcomes) === 'none',
    );

    const generations = new Set(await readGenerations(pool.west.pool, 'big'));
    console.log('generations', [...generations], JSON.stringify((await factsAt(pool.west)).images[0]?.detail?.snapshots));
    assert.equal(generations.size, 1);
    await writeGeneration(pool.west.pool, 'big', { byte: 9, size: SIZE });
    await east[Symbol.asyncDispose]();
  });
}

/** What an impatient script does. */
async function killedTool(pool: MirrorPool, after: number): Promise<void> {
  const args = ['-c', bed.west.conf, 'mirror', 'image', 'promote', '--force', `${pool.name}/big`];
  const tool = spawn('rbd', args, { stdio: 'ignore' });
  await sleep(after);
  tool.kill('SIGKILL');
  await new Promise((done) => tool.once('close', done));
}

/** Leaves the third one in mid-copy at west. */
async function threeGenerations(pool: MirrorPool): Promise<void> {
  const size = 512n * MiB;
  const spec = { place: pool.place, images: ['big'], mode: 'snapshot', parents: 'refuse', policy: policyOf(pool) } as const;
  await pool.east.pool.rbd('create', 'big', '--size', '512M');
  allDone(await pool.east.engine.enableMirroring(spec));
  for (const byte of [1, 2, 3]) {
    await writeGeneration(pool.east.pool, 'big', { byte, size });
    allDone(await pool.east.engine.takeMirrorSnapshots({ place: pool.place, images: ['big'] }));
    const newest = (await factsAt(pool.east)).images[0]?.detail?.snapshots[0]?.id;
    if (byte < 3) await until(pool, 120, ({ copied }) => copied?.snapshotId === newest);
  }
  await eventually(
    60,
    () => factsAt(pool.west),
    ({ images: [image] }) => {
      const [first] = image?.detail?.snapshots ?? [];
      return first?.complete === false && first.copiedObjects > 5;
    },
  );
}
