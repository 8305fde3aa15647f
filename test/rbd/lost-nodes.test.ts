/** What is noted of nodes that are lost: by whom, and who may take it back. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { engineBed } from '../support/engine-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aVolume } from '../support/volume-specs.ts';

/** Marks are in every place of a cluster: one that no other test has. */
function aCluster(): { readonly cluster: string } {
  return { cluster: `c-${randomBytes(3).toString('hex')}` };
}

test('a taint is noted in every place, also in one that came later, and goes with the taint', async () => {
  const ceph = sharedCeph();
  await using pool = await ceph.freshNamespace();
  await using later = await ceph.freshNamespace();
  await using bed = await engineBed(pool, aCluster());
  await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  const taint = { node: 'worker-1', by: 'taint' } as const;

  await bed.engine.markNode({ ...taint, lost: true });
  const marked = await bed.engine.lostNodes({});
  await bed.engine.createVolume(aVolume(later, { image: 'v' }));
  const half = await bed.engine.lostNodes({});
  await bed.engine.markNode({ ...taint, lost: true });
  const again = await bed.engine.lostNodes({});
  const keys = await pool.rados('listomapkeys', 'loligo.pool');
  await bed.engine.markNode({ ...taint, lost: false });

  assert.deepEqual(marked, { everywhere: ['worker-1'], byTaint: ['worker-1'] });
  assert.deepEqual(half, { everywhere: [], byTaint: ['worker-1'] });
  assert.deepEqual(again, marked);
  assert.match(keys, /^lost\/worker-1$/m);
  assert.deepEqual(await bed.engine.lostNodes({}), { everywhere: [], byTaint: [] });
});

test('no operator takes back what a person or the operator of another Kubernetes said; a person takes back everything', async () => {
  await using pool = await sharedCeph().freshNamespace();
  const cluster = aCluster();
  await using bed = await engineBed(pool, { ...cluster, instance: 'one' });
  await using other = await engineBed(pool, { ...cluster, instance: 'two' });
  await bed.engine.createVolume(aVolume(pool, { image: 'v' }));

  await bed.engine.markNode({ node: 'a', lost: true, by: 'person' });
  await other.engine.markNode({ node: 'b', lost: true, by: 'taint' });
  for (const node of ['a', 'b']) {
    for (const lost of [true, false]) await bed.engine.markNode({ node, lost, by: 'taint' });
  }
  const kept = await bed.engine.lostNodes({});
  const others = await other.engine.lostNodes({});
  for (const node of ['a', 'b']) await bed.engine.markNode({ node, lost: false, by: 'person' });

  assert.deepEqual([kept.everywhere, kept.byTaint, others.byTaint], [['a', 'b'], [], ['b']]);
  assert.deepEqual((await bed.engine.lostNodes({})).everywhere, []);
});
