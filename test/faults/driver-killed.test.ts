/** The driver killed in the middle of 200 calls: what it left half-made or half-deleted is finished, and nothing stays behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, DriverBed } from '../support/driver-bed.ts';
import { ForeignImages } from '../support/foreign-images.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const SOAK = process.env['LOLIGO_SOAK'] === '1';
/** How many of the 200 have been answered when the driver is killed: spread over all of the time they take. */
const KILLS = SOAK ? Array.from({ length: 20 }, (_, index) => index * 10) : [10, 90, 150];
/** Without soak, as many of these as it takes to leave something half-deleted. */
const DELETE_KILLS = SOAK ? KILLS : [90, 60, 120, 30, 150];
const NAMES = Array.from({ length: 200 }, (_, index) => `pvc-${index}`);

const OPTIONS = { 'creator-lifetime': '3', 'reap-interval': '2' };

test('a driver killed in the middle of 200 CreateVolumes leaves none that a repeated call does not finish', async (t) => {
  await using pool = await sharedCeph().freshNamespace();
  const foreign = await ForeignImages.layIn(pool);
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  let cutShort = 0;
  for (const enough of KILLS) {
    await crashAfter(bed, enough, (name) => bed.csi.call('CreateVolume', bed.volume(name)));
    const incomplete = await countIncomplete(pool);
    const made = await Promise.all(NAMES.map((name) => bed.create(name)));

    assert.deepEqual((await pool.images()).toSorted(), [...NAMES, ForeignImages.image].toSorted());
    await Promise.all(made.map((volume) => bed.delete(volume)));
    assert.deepEqual(await leftoversAfter(pool, 30, foreign.leftovers), []);
    t.diagnostic(`killed after ${enough} answers: ${incomplete} images were half-made`);
    cutShort += incomplete;
  }
  await foreign.check();
  assert.ok(cutShort > 0, 'no kill left anything half-made: the test does not test');
});

test('a driver killed in the middle of 200 DeleteVolumes leaves none that a repeated call or the reaper does not finish', async (t) => {
  await using pool = await sharedCeph().freshNamespace();
  const foreign = await ForeignImages.layIn(pool);
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  let cutShort = 0;
  for (const enough of DELETE_KILLS) {
    await Promise.all(NAMES.map((name) => bed.create(name)));
    await crashAfter(bed, enough, (name) => bed.csi.call('DeleteVolume', { volumeId: bed.handle(name) }));
    const incomplete = await countIncomplete(pool);

    await Promise.all(NAMES.map((name) => bed.deleteInTime(bed.handle(name))));

    assert.deepEqual(await leftoversAfter(pool, 30, foreign.leftovers), []);
    t.diagnostic(`killed after ${enough} answers: ${incomplete} images were half-deleted`);
    cutShort += incomplete;
    if (cutShort > 0 && !SOAK) break;
  }
  await foreign.check();
  assert.ok(cutShort > 0, 'no kill left anything half-deleted: the test does not test');
});

/** Asks for all at once and crashes the driver when so many answers have come. */
async function crashAfter(bed: DriverBed, enough: number, ask: (name: string) => Promise<unknown>): Promise<void> {
  const reached = Promise.withResolvers<void>();
  let answers = 0;
  const asked = NAMES.map(async (name) => {
    const { status } = await answerOf(ask(name));
    if (status === 'OK') answers += 1;
    if (answers >= enough) reached.resolve();
  });
  if (enough === 0) setTimeout(reached.resolve, 150);
  await reached.promise;
  await bed.crash();
  await Promise.all(asked);
}

/** Images of which a part is missing: a whole one has an id, an entry in the directory, a header and an object map. */
async function countIncomplete(pool: TestPool): Promise<number> {
  const objects = await pool.objects();
  const count = (prefix: string): number => objects.filter((name) => name.startsWith(prefix)).length;
  const keys = (await pool.rados('listomapkeys', 'rbd_directory')).split('\n');
  const entries = keys.filter((key) => key.startsWith('name_')).length;
  const trash = objects.includes('rbd_trash') ? (await pool.rados('listomapkeys', 'rbd_trash')).split('\n') : [];
  const trashed = trash.filter((key) => key.startsWith('id_')).length;
  const parts = [entries + trashed, count('rbd_id.') + trashed, count('rbd_header.'), count('rbd_object_map.')];
  return Math.max(...parts) - Math.min(...parts);
}
