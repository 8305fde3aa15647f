import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineBed } from '../support/engine-bed.ts';
import { leftovers } from '../support/leftovers.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aVolume } from '../support/volume-specs.ts';

test('a volume that a person moved to the trash is not purged, and can be brought back', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  await pool.rbd('trash', 'mv', 'v');

  await bed.engine.reap(pool.place);
  const trashed = await trash(pool);
  const back = await bed.engine.undeleteVolume(anImage(pool.place, 'v'));

  assert.deepEqual(trashed, ['v']);
  assert.deepEqual(back, volume);
});

test('a volume that was brought back and is then moved to the trash by a person is not purged either', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  await bed.engine.deleteVolume(anImage(pool.place, 'v'));
  await bed.engine.undeleteVolume(anImage(pool.place, 'v'));
  await pool.rbd('trash', 'mv', 'v');

  await bed.engine.reap(pool.place);
  const trashed = await trash(pool);
  await bed.engine.undeleteVolume(anImage(pool.place, 'v'));
  await bed.engine.deleteVolume(anImage(pool.place, 'v'));

  assert.deepEqual(trashed, ['v']);
  assert.deepEqual(await leftovers(pool, bed), []);
});

async function trash(pool: TestPool): Promise<string[]> {
  const entries: unknown = await pool.rbdJson('trash', 'ls');
  return Array.isArray(entries) ? entries.map((entry: unknown) => String(Reflect.get(Object(entry), 'name'))) : [];
}
