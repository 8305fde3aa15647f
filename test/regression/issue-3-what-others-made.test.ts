/** A person's clones: not removed when their parent is gone, and nothing is written where they lie. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriteOperation } from '#ceph';
import { Encoder } from '../../src/ceph/codec.ts';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

const SMALL = { size: 64n * MiB };

for (const features of ['layering,exclusive-lock,object-map,fast-diff,deep-flatten', 'layering'] as const) {
  test(`a person's clone with data survives a CreateVolume of its name, also when its parent is gone (${features})`, async () => {
    await using pool = await sharedCeph().freshNamespace();
    await using bed = await engineBed(pool);
    await pool.rbd('create', '--size', '64M', 'parent');
    await pool.rbd('snap', 'create', 'parent@s');
    const how = ['--rbd-default-clone-format', '2', '--image-feature', features];
    await pool.ceph.rbd('clone', ...how, `${pool.spec}/parent@s`, `${pool.spec}/theirs`);
    await pool.rbd('bench', '--io-type', 'write', '--io-total', '4M', '--io-size', '1M', 'theirs');
    await pool.rados('rm', `rbd_header.${await idOf(pool, 'parent')}`);
    const before = await pool.objects();
    const wanted = aVolume(pool, { ...SMALL, image: 'theirs' });

    const asked = bed.engine.createVolume({ ...wanted, layout: { ...wanted.layout, features: features.split(',') as never } });

    await assert.rejects(asked, { kind: 'conflict', reason: 'IMAGE_NOT_OURS' });
    assert.deepEqual(
      before.filter((name) => name.startsWith('rbd_')),
      (await pool.objects()).filter((name) => name.startsWith('rbd_') && before.includes(name)),
    );
  });
}

test('making room for snapshots writes nothing where a person keeps a clone', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using theirs = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await bed.engine.createVolume(aVolume(pool, { ...SMALL, image: 'v' }));
  const snapshot = await bed.engine.createSnapshot(aSnapshot(volume, 's'));
  await bed.engine.createVolume(aVolume(pool, { ...SMALL, image: 'ours', source: { from: 'snapshot', snapshot } }));
  await pool.ceph.rbd('clone', '--rbd-default-clone-format', '2', `${pool.spec}/v@s`, `${theirs.spec}/a-persons`);
  await bed.engine.deleteSnapshot(snapshot);
  await crowd(bed, pool, 'v');
  using noting = new WriteOperation(await bed.site.open(pool.place));
  await noting.setKey('flatten-children/v', JSON.stringify({ v: 1, do: 'flatten-children', image: 'v' })).run('loligo.work');

  await bed.engine.reap(pool.place);

  assert.match(await pool.rados('listomapkeys', 'loligo.work'), /flatten\/ours/);
  assert.ok(!(await theirs.objects()).some((name) => name.startsWith('loligo.')));
});

/** Snapshots that the header alone knows of, so that the image looks crowded: real ones take the monitor a second each. */
async function crowd(bed: Bed, pool: TestPool, image: string): Promise<void> {
  const io = await bed.site.open(pool.place);
  const id = await idOf(pool, image);
  for (let snapshot = 0; snapshot < 250; snapshot += 1) {
    using operation = new WriteOperation(io);
    const added = new Encoder().string(`x${snapshot}`).u64(BigInt(1_000_000 + snapshot));
    await operation.exec('rbd', 'snapshot_add', added.bytes()).run(`rbd_header.${id}`);
  }
}

async function idOf(pool: TestPool, image: string): Promise<string> {
  return Object(await pool.rbdJson('info', image)).id;
}
