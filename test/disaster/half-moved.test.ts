/**
 * Promotes and demotes that stop between their two writes, and the cure for what they leave. A demote in the middle looks like a
 * promote that was killed: it must be told apart, or the demoted image would take writes that nobody copies.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findDirectoryId, type IoContext, WriteOperation } from '#ceph';
import type { ImageDetail } from '../../src/mirror/index.ts';
import { diedAt } from '../support/died-at.ts';
import { engineBed } from '../support/engine-bed.ts';
import { eventually, MirrorBed, type MirrorPool, type MirrorSide } from '../support/mirror/mirror-bed.ts';
import { allDone, factsAt, failureOf, mirrored, move, peer, promoteWhenSafe, until } from '../support/mirror/sites.ts';

/** RBD_FEATURE_NON_PRIMARY of librbd. */
const NON_PRIMARY = 1 << 10;
const SOAK = process.env['LOLIGO_SOAK'] === '1';
/** Milliseconds after which librbd's call is killed; it takes 200 to 500. */
const KILLS = SOAK ? Array.from({ length: 20 }, (_, index) => index * 25) : [30, 120, 240];

let bed: MirrorBed;
before(async () => {
  bed = await MirrorBed.start();
});
after(async () => await bed?.[Symbol.asyncDispose]());

test('what a killed promote or demote left is finished by the next one', async () => {
  await using pool = await oneVolume();
  await move(pool, pool.east, pool.west);

  await setFlag(pool.west, 'set');
  const seen = await detailAt(pool.west);
  const info = (await pool.west.pool.rbdJson('info', 'v')) as { mirroring: { primary: boolean } };
  await assert.rejects(write(pool.west), /Read-only file system/);
  await assert.rejects(pool.west.pool.rbd('mirror', 'image', 'promote', 'v'), /already primary|Invalid argument/);
  allDone(await pool.west.engine.promoteImages(finish(pool)));
  await write(pool.west);
  await setFlag(pool.west, 'set');
  await until(pool, 90, ({ settled }) => settled);
  // The write that failed left its watch behind, for half a minute.
  await eventually(
    60,
    () => pool.west.engine.demoteImages(all(pool)),
    (outcomes) => outcomes.every(({ failure }) => failure === undefined),
  );
  await promoteWhenSafe(pool, pool.east);

  assert.deepEqual([seen.standing.role, seen.halfMoved, info.mirroring.primary], ['primary', true, true]);
  assert.equal((await detailAt(pool.east)).halfMoved, false);
  await write(pool.east);
});

test('a demote that is going on is not taken for a promote that was killed', async () => {
  await using pool = await oneVolume();
  await using other = await engineBed(pool.east.pool, { site: 'east', instance: 'test of mirroring' });

  // A connection that knows the pool needs no monitor.
  await other.engine.promoteImages(finish(pool));

  // Between its two writes a demote needs a snapshot's number from the monitors.
  const { going, seen } = await withoutMonitors(async () => {
    const going = pool.east.engine.demoteImages(all(pool));
    const half = await untilHalf(pool);
    const cure = failureOf(await other.engine.promoteImages(finish(pool)));
    const second = failureOf(await other.engine.demoteImages(all(pool)));
    return { going, seen: [half.standing.role, cure, second] };
  });
  allDone(await going);

  assert.deepEqual(seen, ['primary', 'IMAGE_MOVING', 'IMAGE_MOVING']);
  const done = await detailAt(pool.east);
  assert.deepEqual([done.standing.role, done.exposed], ['demoted', false]);
  await assert.rejects(write(pool.east), /Read-only file system/);
});

test('a demote whose process died without a trace is undone once it is sure to be dead, and what it had in flight never lands', async () => {
  await using pool = await oneVolume();
  using folder = mkdtempDisposableSync(join(tmpdir(), 'loligo-gate-'));
  const gate = join(folder.path, 'open');

  const call = 'rbd_aio_mirror_image_demote';
  const dying = diedAt(pool.east.pool, pool.east.bed, {
    operation: 'demoteImages',
    args: all(pool),
    call,
    after: 2000,
    gate,
    client: 'left',
  });
  await eventually(
    60,
    async () => existsSync(`${gate}.reached`),
    (reached) => reached,
  );
  const [half, early] = await withoutMonitors(async () => {
    writeFileSync(gate, '');
    assert.equal(await dying, true);
    return [await detailAt(pool.east), failureOf(await pool.east.engine.promoteImages(finish(pool)))];
  });
  await eventually(
    60,
    () => pool.east.engine.promoteImages(finish(pool)),
    (outcomes) => failureOf(outcomes) === 'none',
  );

  assert.deepEqual([half.halfMoved, early], [true, 'IMAGE_MOVING']);
  const done = await detailAt(pool.east);
  assert.deepEqual([done.standing.role, done.halfMoved], ['primary', false]);
  await write(pool.east);
  await move(pool, pool.east, pool.west);
});

test('a demoted image that a late promote opened to writers is seen, and closed by the next demote', async () => {
  await using pool = await oneVolume();
  allDone(await pool.east.engine.demoteImages(all(pool)));

  await setFlag(pool.east, 'clear');
  const seen = await detailAt(pool.east);
  allDone(await pool.east.engine.demoteImages(all(pool)));

  assert.deepEqual([seen.exposed, (await detailAt(pool.east)).exposed], [true, false]);
  await assert.rejects(write(pool.east), /Read-only file system/);
  assert.equal((await detailAt(pool.west)).exposed, false);
});

for (const operation of ['demoteImages', 'promoteImages'] as const) {
  test(`${operation} killed after ${KILLS.join(', ')} ms, with the cure running beside it: never a demoted image that takes writes`, async () => {
    await using pool = await oneVolume();
    const outcomes: string[] = [];
    for (const milliseconds of KILLS) {
      if (operation === 'promoteImages') allDone(await pool.east.engine.demoteImages(all(pool)));
      const { standing } = await detailAt(pool.east);
      const demotion = standing.role === 'demoted' ? standing.mark : '';
      const args = operation === 'demoteImages' ? all(pool) : { place: pool.place, images: [{ image: 'v', demotion }] };
      const call = operation === 'demoteImages' ? 'rbd_aio_mirror_image_demote' : 'rbd_aio_mirror_image_promote';

      const dying = diedAt(pool.east.pool, pool.east.bed, { operation, args, call, after: milliseconds });
      const halves = await cureUntil(pool, dying);
      const died = await dying;
      const left = await detailAt(pool.east);
      outcomes.push(`${milliseconds} ms: ${died ? 'killed' : 'done'}, ${left.standing.role}, seen half ${halves} times`);

      assert.equal(left.exposed, false, `after ${milliseconds} ms`);
      if (left.halfMoved) allDone(await pool.east.engine.promoteImages(finish(pool)));
      if (left.standing.role === 'demoted') await promoteWhenSafe(pool, pool.east);
      await write(pool.east);
    }
    console.log(operation, outcomes.join('; '));
  });
}

/** The operator's cure, again and again, until what it runs beside has ended. Gives how often there was something to cure. */
async function cureUntil(pool: MirrorPool, end: Promise<unknown>): Promise<number> {
  let [isOver, halves] = [false, 0];
  const over = end.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const seen = await detailAt(pool.east);
    assert.equal(seen.exposed, false);
    if (!seen.halfMoved) continue;
    halves += 1;
    await pool.east.engine.promoteImages(finish(pool));
  }
  await over;
  return halves;
}

/** East's monitors say nothing meanwhile. What it begins must not be awaited within, if it needs them. */
async function withoutMonitors<T>(act: () => Promise<T>): Promise<T> {
  bed.east.pause('mon');
  try {
    return await act();
  } finally {
    await bed.east.resume('mon');
  }
}

async function untilHalf(pool: MirrorPool): Promise<ImageDetail> {
  return await eventually(
    30,
    () => detailAt(pool.east),
    ({ halfMoved }) => halfMoved,
  );
}

async function oneVolume(): Promise<MirrorPool> {
  const pool = await bed.freshPool();
  await peer(pool);
  await mirrored(pool, 'snapshot', ['v']);
  await until(pool, 90, ({ state }) => state === 'replicating');
  return pool;
}

function all({ place }: MirrorPool): { place: MirrorPool['place']; images: readonly string[] } {
  return { place, images: ['v'] };
}

/** As the operator asks for it: of an image that is primary already. */
function finish({ place }: MirrorPool): { place: MirrorPool['place']; images: readonly { image: string; demotion: string }[] } {
  return { place, images: [{ image: 'v', demotion: '' }] };
}

async function detailAt(side: MirrorSide): Promise<ImageDetail> {
  const detail = (await factsAt(side)).images[0]?.detail;
  assert.ok(detail);
  return detail;
}

async function write({ pool }: MirrorSide): Promise<void> {
  await pool.rbd('bench', 'v', '--io-type', 'write', '--io-size', '4K', '--io-total', '64K');
}

/** As librbd does it: a method of the class `rbd` on the image's header. */
async function setFlag({ pool, bed: { site } }: MirrorSide, to: 'set' | 'clear'): Promise<void> {
  const io: IoContext = await site.openAny({ pool: pool.name, namespace: '' });
  const id = await findDirectoryId(io, 'v');
  using operation = new WriteOperation(io);
  const input = Buffer.alloc(16);
  input.writeBigUInt64LE(to === 'set' ? BigInt(NON_PRIMARY) : 0n, 0);
  input.writeBigUInt64LE(BigInt(NON_PRIMARY), 8);
  operation.exec('rbd', 'set_features', input);
  await operation.run(`rbd_header.${id}`);
}
