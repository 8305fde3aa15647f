/** The driver killed in the middle of 200 CreateVolumes: what it left half-made is finished, and nothing stays behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, DriverBed } from '../support/driver-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const SOAK = process.env['LOLIGO_SOAK'] === '1';
/** How many of the 200 have been answered when the driver is killed: spread over all of the time they take. */
const KILLS = SOAK ? Array.from({ length: 20 }, (_, index) => index * 10) : [10, 90, 150];
const NAMES = Array.from({ length: 200 }, (_, index) => `pvc-${index}`);

test('a driver killed in the middle of 200 CreateVolumes leaves none that a repeated call does not finish', async (t) => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: { 'creator-lifetime': '3' } });
  const halfMade: number[] = [];
  for (const answered of KILLS) {
    await killAfter(bed, answered);
    halfMade.push(await countHalfMade(pool));

    const made = await Promise.all(NAMES.map((name) => bed.create(name)));

    const images = await pool.images();
    assert.deepEqual(images.toSorted(), NAMES.toSorted());
    assert.equal(new Set(made).size, NAMES.length);
    await Promise.all(made.map((volume) => bed.delete(volume)));
    assert.deepEqual(await leftoversAfter(pool, 30), []);
    t.diagnostic(`killed after ${answered} answers: ${halfMade.at(-1)} images were half-made`);
  }
  assert.ok(
    halfMade.some((count) => count > 0),
    'no kill left anything half-made: the test does not test',
  );
});

/** Asks for all volumes at once and crashes the driver when so many answers have come. */
async function killAfter(bed: DriverBed, enough: number): Promise<void> {
  const reached = Promise.withResolvers<void>();
  let answers = 0;
  const asked = NAMES.map(async (name) => {
    const { status } = await answerOf(bed.csi.call('CreateVolume', bed.volume(name)));
    if (status === 'OK') answers += 1;
    if (answers >= enough) reached.resolve();
  });
  if (enough === 0) setTimeout(reached.resolve, 150);
  await reached.promise;
  await bed.crash();
  await Promise.all(asked);
}

/** Images of which a part is missing: every whole one has an id, an entry in the directory, a header and an object map. */
async function countHalfMade(pool: TestPool): Promise<number> {
  const objects = await pool.objects();
  const count = (prefix: string): number => objects.filter((name) => name.startsWith(prefix)).length;
  const keys = (await pool.rados('listomapkeys', 'rbd_directory')).split('\n');
  const entries = keys.filter((key) => key.startsWith('name_')).length;
  const parts = [entries, count('rbd_id.'), count('rbd_header.'), count('rbd_object_map.')];
  return Math.max(...parts) - Math.min(...parts);
}
