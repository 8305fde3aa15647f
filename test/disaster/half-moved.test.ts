/** A promote that is killed between its two writes: the image says that it is primary, and takes no writes. Seen with a killed operator. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findDirectoryId, type IoContext, WriteOperation } from '#ceph';
import { eventually, MirrorBed, type MirrorSide } from '../support/mirror/mirror-bed.ts';
import { allDone, factsAt, mirrored, move, peer, promoteWhenSafe, until } from '../support/mirror/sites.ts';

/** RBD_FEATURE_NON_PRIMARY of librbd. */
const NON_PRIMARY = 1 << 10;

let bed: MirrorBed;
before(async () => {
  bed = await MirrorBed.start();
});
after(async () => await bed?.[Symbol.asyncDispose]());

test('what a killed promote or demote left is finished by the next one', async () => {
  await using pool = await bed.freshPool();
  await peer(pool);
  await mirrored(pool, 'snapshot', ['v']);
  await until(pool, 90, ({ state }) => state === 'replicating');
  await move(pool, pool.east, pool.west);
  const spec = { place: pool.place, images: [{ image: 'v', demotion: '' }] };

  await setFlag(pool.west);
  const seen = (await factsAt(pool.west)).images[0]?.detail;
  const info = (await pool.west.pool.rbdJson('info', 'v')) as { mirroring: { primary: boolean } };
  await assert.rejects(write(pool.west), /Read-only file system/);
  await assert.rejects(pool.west.pool.rbd('mirror', 'image', 'promote', 'v'), /already primary|Invalid argument/);
  allDone(await pool.west.engine.promoteImages(spec));
  await write(pool.west);
  await setFlag(pool.west);
  await until(pool, 90, ({ settled }) => settled);
  // The write that failed left its watch behind, for half a minute.
  const demote = { place: pool.place, images: ['v'] };
  await eventually(
    60,
    () => pool.west.engine.demoteImages(demote),
    (outcomes) => outcomes.every(({ failure }) => failure === undefined),
  );
  await promoteWhenSafe(pool, pool.east);

  assert.deepEqual([seen?.standing.role, seen?.halfMoved, info.mirroring.primary], ['primary', true, true]);
  assert.equal((await factsAt(pool.east)).images[0]?.detail?.halfMoved, false);
  await write(pool.east);
});

async function write({ pool }: MirrorSide): Promise<void> {
  await pool.rbd('bench', 'v', '--io-type', 'write', '--io-size', '4K', '--io-total', '64K');
}

/** As librbd does it: a method of the class `rbd` on the image's header. */
async function setFlag({ pool, bed: { site } }: MirrorSide): Promise<void> {
  const io: IoContext = await site.openAny({ pool: pool.name, namespace: '' });
  const id = await findDirectoryId(io, 'v');
  using operation = new WriteOperation(io);
  const input = Buffer.alloc(16);
  input.writeBigUInt64LE(BigInt(NON_PRIMARY), 0);
  input.writeBigUInt64LE(BigInt(NON_PRIMARY), 8);
  operation.exec('rbd', 'set_features', input);
  await operation.run(`rbd_header.${id}`);
}
