import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageRef, PublishSpec } from '#rbd';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aVolume, MiB } from '../support/volume-specs.ts';

const ONE = 'one@10.0.0.1';
const TWO = 'two@10.0.0.2,fd00::2';

test('a volume for one writer is published at one node until it is taken from there', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await aVolumeOf(bed, pool, 'v');

  const first = await bed.engine.publishVolume(asked(volume, ONE));
  const again = await bed.engine.publishVolume(asked(volume, ONE));
  await assert.rejects(bed.engine.publishVolume(asked(volume, TWO)), { kind: 'in-use', reason: 'PUBLISHED_ELSEWHERE' });
  await bed.engine.unpublishVolume({ volume, node: ONE, fence: false });
  await bed.engine.publishVolume(asked(volume, TWO));

  assert.deepEqual(first, { site: 'east', key: '', isAlone: true });
  assert.deepEqual(again, first);
  assert.deepEqual(await bed.engine.publishedNodes({ volumes: [volume] }), [[TWO]]);
  assert.match(await pool.rados('getomapval', 'loligo.published', 'v'), /two@10\.0/);
});

test('a shared volume is published at many nodes, and at none for a single writer besides', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await aVolumeOf(bed, pool, 'v');

  await bed.engine.publishVolume(asked(volume, ONE, { mode: 'multi-writer' }));
  await bed.engine.publishVolume(asked(volume, TWO, { mode: 'multi-reader', readonly: true }));
  const third = bed.engine.publishVolume(asked(volume, 'three@10.0.0.3'));

  await assert.rejects(third, { kind: 'in-use' });
  await bed.engine.unpublishVolume({ volume, node: '', fence: false });
  assert.deepEqual(await bed.engine.publishedNodes({ volumes: [volume] }), [[]]);
});

test('the same node with another mode is a conflict; no node, no volume and a full node are named', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await aVolumeOf(bed, pool, 'v');
  const second = await aVolumeOf(bed, pool, 'w');
  await bed.engine.publishVolume(asked(volume, ONE));
  const publish = (spec: PublishSpec): Promise<unknown> => bed.engine.publishVolume(spec);

  await assert.rejects(publish(asked(volume, ONE, { readonly: true })), { kind: 'conflict', reason: 'PUBLISHED_DIFFERENTLY' });
  await assert.rejects(publish(asked(volume, 'no node')), { kind: 'not-found', reason: 'NODE_NOT_FOUND' });
  await assert.rejects(publish(asked(anImage(pool.place, 'none'), ONE)), { kind: 'not-found', reason: 'VOLUME_NOT_FOUND' });
  await assert.rejects(publish(asked(second, ONE, { nodeLimit: 1 })), { kind: 'exhausted', reason: 'NODE_FULL' });
  await bed.engine.unpublishVolume({ volume: anImage(pool.place, 'none'), node: ONE, fence: false });
});

test('a node whose addresses changed is the same node: its volumes can be taken from it, and published there again', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await aVolumeOf(bed, pool, 'v');
  const moved = 'one@10.0.0.9';

  await bed.engine.publishVolume(asked(volume, ONE));
  await bed.engine.publishVolume(asked(volume, moved));
  const [after] = await bed.engine.publishedNodes({ volumes: [volume] });
  await bed.engine.unpublishVolume({ volume, node: ONE, fence: false });
  await bed.engine.publishVolume(asked(volume, TWO));

  assert.deepEqual(after, [moved]);
  assert.deepEqual(await bed.engine.publishedNodes({ volumes: [volume] }), [[TWO]]);
});

test('twenty nodes that ask at once get the volume once', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await aVolumeOf(bed, pool, 'v');
  const nodes = Array.from({ length: 20 }, (_, index) => `n${index}@10.0.1.${index}`);

  const answers = await Promise.allSettled(nodes.map((node) => bed.engine.publishVolume(asked(volume, node))));

  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
  const [holders] = await bed.engine.publishedNodes({ volumes: [volume] });
  assert.equal(holders?.length, 1);
});

test('a node that has the image open without being published there is named, and no other one gets the volume', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  const volume = await aVolumeOf(bed, pool, 'v');
  const other = await aVolumeOf(bed, pool, 'w');
  await bed.engine.publishVolume(asked(other, 'here@127.0.0.1'));
  const writer = spawn('rbd', ['bench', `${pool.spec}/v`, '--io-type', 'write', '--io-total', '10G', '--io-size', '4K'], {
    env: { ...process.env, CEPH_CONF: pool.ceph.conf },
    stdio: 'ignore',
  });

  try {
    let nodes: readonly string[] = [];
    for (let attempt = 0; attempt < 50 && nodes.length === 0; attempt += 1) {
      await sleep(100);
      [nodes = []] = await bed.engine.publishedNodes({ volumes: [volume] });
    }
    assert.deepEqual(nodes, ['here@127.0.0.1']);
    const elsewhere = bed.engine.publishVolume(asked(volume, 'there@10.0.0.1'));
    await assert.rejects(elsewhere, { kind: 'in-use', reason: 'IMAGE_IN_USE' });
    await bed.engine.publishVolume(asked(volume, 'here@127.0.0.1'));
  } finally {
    writer.kill('SIGINT'); // it closes the image, so that the pool can go
    await new Promise((resolve) => writer.once('close', resolve));
  }
});

function asked(volume: ImageRef, node: string, differs: Partial<PublishSpec> = {}): PublishSpec {
  return { volume, node, mode: 'single-writer', readonly: false, nodeLimit: 0, ...differs };
}

async function aVolumeOf(bed: Bed, pool: TestPool, image: string): Promise<ImageRef> {
  await bed.engine.createVolume(aVolume(pool, { image, size: 64n * MiB }));
  return anImage(pool.place, image);
}
