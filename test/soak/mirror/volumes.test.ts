/** What mirroring does with clones, with volumes that leave it, and what it costs to look. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { writeGeneration } from '../../support/mirror/generations.ts';
import { eventually, MirrorBed } from '../../support/mirror/mirror-bed.ts';
import { allDone, compareSites, factsAt, failureOf, fetch, mirrored, peer, policyOf, until } from '../../support/mirror/sites.ts';
import { anImage, aSnapshot, aVolume, MiB } from '../../support/volume-specs.ts';

let bed: MirrorBed;
before(async () => {
  bed = await MirrorBed.start();
});
after(async () => await bed[Symbol.asyncDispose]());

test('a clone is mirrored after its parent, or refused, or first made independent', async () => {
  await using pool = await bed.freshPool();
  await peer(pool);
  const { engine } = pool.east;
  await engine.createVolume(aVolume(pool, { image: 'parent', size: 32n * MiB }));
  await writeGeneration(pool.east.pool, 'parent', { byte: 5, size: 32n * MiB });
  await engine.createSnapshot(aSnapshot(anImage(pool.place, 'parent'), 's'));
  const snapshot = { ...anImage(pool.place, 'parent'), snapshot: 's' };
  for (const image of ['child', 'apart']) {
    await engine.createVolume(aVolume(pool, { image, size: 32n * MiB, source: { from: 'snapshot', snapshot } }));
  }
  const spec = { place: pool.place, mode: 'snapshot', policy: policyOf(pool) } as const;

  const refused = await engine.enableMirroring({ ...spec, images: ['child'], parents: 'refuse' });
  const flattening = await engine.enableMirroring({ ...spec, images: ['apart'], parents: 'flatten' });
  await engine.reap(pool.place);
  allDone(await engine.enableMirroring({ ...spec, images: ['apart'], parents: 'flatten' }));
  allDone(await engine.enableMirroring({ ...spec, images: ['child'], parents: 'mirror' }));
  allDone(await engine.enableMirroring({ ...spec, images: ['child'], parents: 'mirror' }));

  assert.deepEqual([failureOf(refused), failureOf(flattening)], ['PARENT_NOT_MIRRORED', 'FLATTEN_RUNNING']);
  const seen = await until(pool, 120, ({ state }) => state === 'replicating');
  assert.deepEqual([...seen.keys()], ['apart', 'child', 'parent']);
  const info = (await pool.west.pool.rbdJson('info', 'child')) as { parent?: { image: string } };
  assert.equal(info.parent?.image, 'parent');
  assert.equal(await pool.west.pool.checksum('child'), await pool.east.pool.checksum('child'));
});

test('what is behind is told in bytes, and no operation is spent on a volume more than one', async () => {
  await using pool = await bed.freshPool();
  await peer(pool);
  const images = Array.from({ length: 10 }, (_, index) => `v${index}`);
  await mirrored(pool, 'snapshot', images);
  const ready = await until(pool, 120, ({ state }) => state === 'replicating');
  const since = ready.get('v0')?.copied?.snapshotId ?? '';
  const volume = anImage(pool.place, 'v0');
  const none = await pool.east.engine.mirrorBehind({ volume, since });
  await writeGeneration(pool.east.pool, 'v0', { byte: 1, size: 12n * MiB });
  const some = await pool.east.engine.mirrorBehind({ volume, since });
  for (const site of [bed.east, bed.west]) await site.kill('rbd-mirror');
  await factsAt(pool.east);

  const cost = async (act: () => Promise<unknown>): Promise<number> => {
    await eventually(
      30,
      () => quietFor(bed),
      (quiet) => quiet,
    );
    const before = await bed.east.osdOps();
    await act();
    return (await bed.east.osdOps()) - before;
  };
  const summary = await cost(() => pool.east.engine.mirrorFacts({ place: pool.place, exact: 'none' }));
  const exact = await cost(() => factsAt(pool.east));
  const publish = { volume, node: 'one@10.0.0.1', mode: 'single-writer', readonly: false, nodeLimit: 0 } as const;
  const published = await cost(() => pool.east.engine.publishVolume(publish));
  for (const site of [bed.east, bed.west]) await site.startMirror();
  console.log({ summary, exact, published });

  assert.deepEqual([none.bytes, some.bytes], [0n, 12n * MiB]);
  assert.ok(summary <= 5, `${summary} for a summary of 10 images`);
  assert.ok(exact <= summary + 10, `${exact} for an exact look at 10 images`);
  assert.ok(published <= 5 + 1, `${published} for publishing a mirrored volume`);
});

test('a volume leaves mirroring with its copy, or its copy stays and becomes a volume', async () => {
  await using pool = await bed.freshPool();
  await peer(pool);
  await mirrored(pool, 'snapshot', ['a', 'b']);
  await until(pool, 120, ({ state }) => state === 'replicating');
  const one = (image: string) => ({ place: pool.place, images: [image] });

  const wrongSide = await pool.west.engine.disableMirroring({ ...one('a'), how: 'with-copy' });
  allDone(await pool.east.engine.disableMirroring({ ...one('a'), how: 'with-copy' }));
  allDone(await pool.east.engine.disableMirroring({ ...one('a'), how: 'with-copy' }));
  allDone(await pool.west.engine.disableMirroring({ ...one('b'), how: 'keep-this' }));

  assert.equal(failureOf(wrongSide), 'NOT_PRIMARY');
  await eventually(
    30,
    () => pool.west.pool.images(),
    (names) => names.join() === 'b',
  );
  assert.deepEqual(await pool.east.pool.images(), ['a', 'b']);
  await writeGeneration(pool.west.pool, 'b', { byte: 3, size: 32n * MiB });
  assert.doesNotMatch(await pool.east.pool.rbd('image-meta', 'list', 'a'), /loligo.mirror/);
});

test('mirror snapshots that nobody fetches keep what the other site goes on from, and its only whole copy', async () => {
  await using pool = await bed.freshPool();
  await peer(pool);
  await mirrored(pool, 'snapshot', ['v']);
  const first = (await until(pool, 120, ({ state }) => state === 'replicating')).get('v')?.copied;
  bed.west.pause('rbd-mirror');

  for (let count = 1; count <= 8; count += 1) {
    await writeGeneration(pool.east.pool, 'v', { byte: count, size: 4n * MiB });
    allDone(await pool.east.engine.takeMirrorSnapshots({ place: pool.place, images: ['v'] }));
  }
  const kept = (await factsAt(pool.east)).images[0]?.detail?.snapshots ?? [];
  const whole = (await compareSites(pool)).get('v')?.copied;
  await bed.west.resume('rbd-mirror');

  console.log(kept.map(({ id, waitingPeers }) => `${id}:${waitingPeers.length}`).join(' '), 'whole', first?.snapshotId);
  assert.equal(whole?.snapshotId, first?.snapshotId);
  assert.ok(kept.length <= 6, `${kept.length} mirror snapshots`);
  await until(pool, 120, ({ copied }) => copied?.snapshotId === kept[0]?.id);
  assert.equal(await pool.west.pool.checksum('v'), await pool.east.pool.checksum('v'));
});

test('a mirrored volume that is deleted where it is primary goes, and its copy waits in the trash of the other site', async () => {
  await using pool = await bed.freshPool();
  await peer(pool);
  await mirrored(pool, 'snapshot', ['v']);
  await until(pool, 120, ({ state }) => state === 'replicating');

  await pool.east.engine.deleteVolume(anImage(pool.place, 'v'));

  assert.deepEqual(await pool.east.pool.images(), []);
  await eventually(
    30,
    () => pool.west.pool.images(),
    (names) => names.length === 0,
  );
  assert.match(await pool.west.pool.rbd('trash', 'ls', '--all', '--long'), /\bv\b.*MIRRORING.*protected until/);
});

test('a peering that exists is adopted, and with one way alone volumes wait for the peer’s daemon', async () => {
  await using pool = await bed.freshPool();
  await using oneWay = await bed.freshPool();
  await pool.peerByHand();
  await peer(oneWay, 'rx');

  const adopted = await fetch(pool.west, pool.east, { direction: 'rx-tx' });
  const again = await fetch(pool.west, pool.east, { direction: 'rx-tx' });
  const spec = { place: oneWay.place, images: ['v'], mode: 'snapshot', parents: 'refuse', policy: policyOf(oneWay) } as const;
  await oneWay.east.engine.createVolume(aVolume(oneWay, { image: 'v', size: 32n * MiB }));
  const early = failureOf(await oneWay.east.engine.enableMirroring(spec));
  await eventually(
    90,
    async () => failureOf(await oneWay.east.engine.enableMirroring(spec)),
    (reason) => reason === 'none',
  );

  assert.ok(!adopted.includes('peer'), adopted.join());
  assert.deepEqual(again, []);
  assert.equal((await factsAt(pool.west)).peers.length, 1);
  assert.ok(early === 'MIRROR_PEER_MISSING' || early === 'none', early);
  await until(oneWay, 90, ({ state }) => state === 'replicating');
  assert.equal((await compareSites(oneWay)).get('v')?.primary, 'here');
});

async function quietFor({ east }: MirrorBed): Promise<boolean> {
  const before = await east.osdOps();
  await new Promise((done) => setTimeout(done, 500));
  return (await east.osdOps()) === before;
}
