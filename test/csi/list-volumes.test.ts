import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controllerService } from '#csi';
import type { Page, Volume } from '#rbd';
import { Bed, bedHost, controllerOf, engineOf } from './csi-bed.ts';

const mutable = { deleteRetention: 0, maxCloneDepth: 0, qos: {} };

function aVolume(image: string): Volume {
  return { pool: 'rbd', namespace: '', image, name: image, size: 1n, source: { from: 'nothing' }, dataPool: '', mutable };
}

/** An engine that has volumes `0`, `1`, … and gives them in pages of at most two, as tokens beginning where they say. */
function engineWith(volumes: number) {
  return engineOf({
    listVolumes: ({ after, max }: Page) => {
      const start = after === '' ? 0 : Number(after);
      const end = Math.min(start + Math.min(max, 2), volumes);
      const page = Array.from({ length: end - start }, (_, index) => aVolume(String(start + index)));
      return Promise.resolve({ volumes: page, next: end < volumes ? String(end) : '' });
    },
  });
}

test('a listing that read a cluster from its first volume to its last tells how many there are, and no other does', async () => {
  const counted: [string, number][] = [];
  const controller = controllerOf(engineWith(5), { counted: (cluster, volumes) => counted.push([cluster, volumes]) });
  await using bed = await Bed.serving(controllerService(bedHost(), controller));

  await bed.call('ListVolumes', { maxEntries: 3 });
  await bed.call('ListVolumes', { startingToken: 'prod/3' });
  const before = [...counted];
  await bed.call('ListVolumes', {});

  assert.deepEqual(before, []);
  assert.deepEqual(counted, [['prod', 5]]);
});
