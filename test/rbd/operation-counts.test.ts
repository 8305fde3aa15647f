/**
 * RADOS operations that one call costs, up to its answer, on an empty 1 GiB volume: the repeatable measure of speed. By
 * the OSD's counter on a cluster of its own that is otherwise quiet; the connection is warm.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Feature, SnapshotRef, VolumeSpec } from '#rbd';
import { DriverBed } from '../support/driver-bed.ts';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import { MicroCeph, type TestPool } from '../support/micro-ceph.ts';
import { aGroup, anImage, aVolume as anyVolume, aSnapshot, GiB } from '../support/volume-specs.ts';

/** The one call that misses its goal, with all features: of the 28 that it takes to grow an image, 26 are librbd's. */
const BEYOND_GOAL = 'ControllerExpandVolume (all features)';

interface Cost {
  /** The design's goal. */
  readonly goal: number;
  /** What it costs today, and a little: with layering, and with all features. It must not grow unnoticed. */
  readonly most: readonly [layering: number, all: number];
  /** What is not counted; returns what is. */
  prepare(bed: Bed, pool: TestPool): Promise<() => Promise<unknown>>;
}

/** The goals were set beside a peer whose images had layering alone; ours have all of these unless a class says less. */
const SHAPES: Readonly<Record<string, readonly Feature[]>> = {
  layering: ['layering'],
  'all features': ['layering', 'exclusive-lock', 'object-map', 'fast-diff', 'deep-flatten'],
};

let features: readonly Feature[] = [];

/** A volume of the shape that is measured now. */
function aVolume(pool: TestPool, differs: Parameters<typeof anyVolume>[1]): VolumeSpec {
  const volume = anyVolume(pool, differs);
  return { ...volume, layout: { ...volume.layout, features } };
}

const COSTS: Record<string, Cost> = {
  CreateVolume: {
    goal: 12,
    most: [4, 5],
    prepare:
      async ({ engine }, pool) =>
      () =>
        engine.createVolume(aVolume(pool, { image: 'created' })),
  },
  'CreateVolume, the same again': {
    goal: 8,
    most: [3, 3],
    prepare: async ({ engine }, pool) => {
      await engine.createVolume(aVolume(pool, { image: 'again' }));
      return () => engine.createVolume(aVolume(pool, { image: 'again' }));
    },
  },
  CreateSnapshot: {
    goal: 40,
    most: [26, 38],
    prepare: async ({ engine }, pool) => {
      const volume = await engine.createVolume(aVolume(pool, { image: 'to-snap' }));
      return () => engine.createSnapshot(aSnapshot(volume, 'taken'));
    },
  },
  'CreateVolume from snapshot': {
    goal: 60,
    most: [12, 13],
    prepare: async (bed, pool) => {
      const snapshot = await aSnapshotOf(bed, pool, 'restored');
      return () => bed.engine.createVolume(aVolume(pool, { image: 'restore', source: { from: 'snapshot', snapshot } }));
    },
  },
  'CreateVolume from volume': {
    goal: 110,
    most: [56, 80],
    prepare: async ({ engine }, pool) => {
      const volume = await engine.createVolume(aVolume(pool, { image: 'cloned' }));
      const source = { from: 'volume', volume: anImage(volume, 'cloned') } as const;
      return () => engine.createVolume(aVolume(pool, { image: 'clone', source }));
    },
  },
  ControllerExpandVolume: {
    goal: 26,
    most: [18, 28],
    prepare: async ({ engine }, pool) => {
      const volume = await engine.createVolume(aVolume(pool, { image: 'to-grow' }));
      return () => engine.expandVolume({ volume: anImage(volume, 'to-grow'), range: { required: 2n * GiB, limit: 0n } });
    },
  },
  DeleteVolume: {
    goal: 40,
    most: [24, 34],
    prepare: async ({ engine }, pool) => {
      const volume = await engine.createVolume(aVolume(pool, { image: 'to-delete' }));
      return () => engine.deleteVolume(anImage(volume, 'to-delete'));
    },
  },
  DeleteSnapshot: {
    goal: 40,
    most: [25, 37],
    prepare: async (bed, pool) => {
      const snapshot = await aSnapshotOf(bed, pool, 'snapped');
      return () => bed.engine.deleteSnapshot(snapshot);
    },
  },
  ControllerPublishVolume: {
    goal: 4,
    most: [4, 4],
    prepare: async ({ engine }, pool) => {
      const volume = anImage(await engine.createVolume(aVolume(pool, { image: 'published' })), 'published');
      return () => engine.publishVolume({ volume, node: 'n@10.0.0.1', mode: 'single-writer', readonly: false, nodeLimit: 0 });
    },
  },
  'CreateVolumeGroupSnapshot of two': {
    goal: 130,
    most: [88, 114],
    prepare: async ({ engine }, pool) => {
      const volumes = [
        await engine.createVolume(aVolume(pool, { image: 'g1' })),
        await engine.createVolume(aVolume(pool, { image: 'g2' })),
      ];
      return () => engine.createGroupSnapshot(aGroup(pool, 'group', volumes));
    },
  },
};

test('every bound is within the goal of the design, but for the one that librbd itself goes beyond', () => {
  const shapes = ['layering', 'all features'];
  const beyond = Object.entries(COSTS).flatMap(([call, { goal, most }]) =>
    most.flatMap((bound, index) => (bound <= goal ? [] : [`${call} (${shapes[index]})`])),
  );

  assert.deepEqual(beyond, [BEYOND_GOAL]);
});

let ceph: MicroCeph;
const table: { call: string; operations: number; 'until quiet': number; goal: number }[] = [];

before(async () => {
  ceph = await MicroCeph.start();
  await ceph.freshPool('rbd');
});

after(async () => {
  console.table(Object.fromEntries(table.map(({ call, ...row }) => [call, row])));
  await ceph?.[Symbol.asyncDispose]();
});

for (const [shape, ofShape] of Object.entries(SHAPES)) {
  test(`images with ${shape}`, async (t) => {
    features = ofShape;
    for (const [call, cost] of Object.entries(COSTS)) {
      const bound = cost.most[shape === 'layering' ? 0 : 1];
      await t.test(`${call} costs at most ${bound} RADOS operations`, async () => {
        let counted = await count(cost);
        // The manager has its own moments, and they only ever add.
        for (let again = 0; again < 2 && counted.operations > bound; again += 1) counted = await count(cost);

        table.push({ call: `${call} (${shape})`, ...counted, goal: cost.goal });
        assert.ok(counted.operations <= bound, `${counted.operations} operations`);
        assert.ok(counted.operations > 0);
      });
    }
  });
}

test('CreateVolume of a driver that is asked over gRPC costs no more than its goal', async () => {
  const goal = COSTS['CreateVolume']?.goal ?? 0;
  await using pool = await ceph.freshNamespace();
  await using bed = await DriverBed.open(pool, { options: { 'reap-interval': '3600' } });
  await bed.create('first'); // marks the place, opens the connections
  const counted = [];

  for (const name of ['second', 'third', 'fourth']) {
    const start = await untilQuiet();
    await bed.csi.call('CreateVolume', bed.volume(name));
    const operations = (await ceph.osdOps()) - start;
    counted.push({ operations, 'until quiet': (await untilQuiet()) - start });
  }

  // The manager has its own moments, and they only ever add.
  const least = counted.toSorted((a, b) => a.operations - b.operations)[0] ?? { operations: 0, 'until quiet': 0 };
  table.push({ call: 'CreateVolume (over gRPC)', ...least, goal });
  assert.ok(least.operations > 0 && least.operations <= goal, JSON.stringify(counted));
});

test('the nodes of fifty volumes cost two operations for each that nobody has, and one for all where nothing is published', async () => {
  await using pool = await ceph.freshNamespace();
  await using bed = await engineBed(pool);
  features = SHAPES['all features'] ?? [];
  const specs = Array.from({ length: 50 }, (_, index) => aVolume(pool, { image: `v-${index}` }));
  const volumes = (await Promise.all(specs.map((spec) => bed.engine.createVolume(spec)))).map((volume) =>
    anImage(volume, volume.image),
  );
  const [first, second] = volumes;
  assert.ok(first && second);
  const counted = async (): Promise<{ operations: number; nodes: readonly (readonly string[])[] }> => {
    const start = await untilQuiet();
    const nodes = await bed.engine.publishedNodes({ volumes });
    return { operations: (await ceph.osdOps()) - start, nodes };
  };

  const unpublished = await counted();
  for (const [volume, node] of [[first, 'one@10.0.0.1'] as const, [second, 'two@10.0.0.2'] as const]) {
    await bed.engine.publishVolume({ volume, node, mode: 'single-writer', readonly: false, nodeLimit: 0 });
  }
  const published = await counted();

  table.push({ call: 'nodes of 50 volumes', operations: published.operations, 'until quiet': published.operations, goal: 0 });
  assert.deepEqual(unpublished.nodes.flat(), []);
  assert.deepEqual(published.nodes.slice(0, 3), [['one@10.0.0.1'], ['two@10.0.0.2'], []]);
  assert.ok(unpublished.operations <= 4, `${unpublished.operations} operations`);
  assert.ok(published.operations <= 130, `${published.operations} operations`);
});

async function count(cost: Cost): Promise<{ operations: number; 'until quiet': number }> {
  await using pool = await ceph.freshNamespace();
  await using bed = await engineBed(pool);
  await bed.engine.createVolume(aVolume(pool, { image: 'first' })); // marks the place, opens the connections
  const act = await cost.prepare(bed, pool);
  const start = await untilQuiet();

  await act();
  const operations = (await ceph.osdOps()) - start;
  return { operations, 'until quiet': (await untilQuiet()) - start };
}

/** The counter, once it stands still: librbd cleans up behind an answer, and the manager has its own moments. */
async function untilQuiet(): Promise<number> {
  for (let last = -1; ; ) {
    const now = await ceph.osdOps();
    if (now === last) return now;
    last = now;
    await sleep(700);
  }
}

async function aSnapshotOf({ engine }: Bed, where: TestPool, image: string): Promise<SnapshotRef> {
  const volume = await engine.createVolume(aVolume(where, { image }));
  return await engine.createSnapshot(aSnapshot(volume, `s-${image}`));
}
