/** `rbd_id.<name>`, by which a volume is mapped: it goes with what a cut-off call left, and never with a volume. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineBed } from '../support/engine-bed.ts';
import { meanwhile } from '../support/meanwhile.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aVolume, MiB } from '../support/volume-specs.ts';

test('a volume that is made while its name is being deleted keeps its name', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using one = await engineBed(pool);
  await using other = await engineBed(pool);
  await one.engine.createVolume(aVolume(pool, { image: 'first', size: 64n * MiB }));
  const want = aVolume(pool, { image: 'v', size: 64n * MiB });
  let asked = 0;

  // Between the look at the name, which is absent, and whatever follows.
  const race = meanwhile(
    one,
    ({ name, args }) => (name === 'rados_remove' && args[1] === 'rbd_id.v') || isSecondLook(name, args),
    () => other.engine.createVolume(want),
  );
  await one.engine.deleteVolume(anImage(pool.place, 'v'));
  race.assertMet();

  assert.equal(Object(await pool.rbdJson('info', 'v')).name, 'v');

  function isSecondLook(name: string, args: readonly unknown[]): boolean {
    if (name !== 'rados_read_op_operate') return false;
    if (args[2] === 'rbd_directory') asked += 1;
    return args[2] === 'rbd_id.v' && asked > 0;
  }
});

test('a stale name that another controller has cleaned and given to a new volume stays with that', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using one = await engineBed(pool);
  await using other = await engineBed(pool);
  await one.engine.createVolume(aVolume(pool, { image: 'first', size: 64n * MiB }));
  await pool.rbd('create', '--size', '64M', 'v');
  await pool.rados('rmomapkey', 'rbd_directory', 'name_v');
  const want = aVolume(pool, { image: 'v', size: 64n * MiB });

  const race = meanwhile(
    one,
    ({ name, args }) => name === 'rados_write_op_operate2' && args[2] === 'rbd_id.v',
    () => other.engine.createVolume(want),
  );
  await one.engine.deleteVolume(anImage(pool.place, 'v'));
  race.assertMet();

  assert.equal(Object(await pool.rbdJson('info', 'v')).name, 'v');
});

test('the name of an image that somebody is just making is not taken away, and one that a rename left is when it is old', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool, { creatorLife: 600 });
  await using later = await engineBed(pool);
  await bed.engine.createVolume(aVolume(pool, { image: 'first', size: 64n * MiB }));
  // The first of librbd's writes when it makes an image, and all that is left under the old name of one that is renamed.
  await pool.rbd('create', '--size', '64M', 'v');
  await pool.rados('rmomapkey', 'rbd_directory', 'name_v');

  await assert.rejects(bed.engine.deleteVolume(anImage(pool.place, 'v')), { kind: 'busy', reason: 'IMAGE_HALF_MADE' });
  const young = await pool.objects();
  await later.engine.deleteVolume(anImage(pool.place, 'v'));

  assert.ok(young.includes('rbd_id.v'));
  assert.ok(!(await pool.objects()).includes('rbd_id.v'));
});

test('CreateVolume, asked again, gives a volume its lost name back', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const want = aVolume(pool, { image: 'v', size: 64n * MiB });
  await bed.engine.createVolume(want);

  await pool.rados('rm', 'rbd_id.v');
  await bed.engine.createVolume(want);

  assert.equal(Object(await pool.rbdJson('info', 'v')).name, 'v');
});
