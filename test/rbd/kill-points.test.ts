/**
 * Each operation killed right before each of its C calls, and in the middle of those that take long; the same call then
 * finishes it, and after the deletions nothing is left. `LOLIGO_SOAK=1` kills at every call and at many more moments.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { inParallel } from '#lib/in-parallel';
import type { Engine, ImageRef } from '#rbd';
import { diedAt } from '../support/died-at.ts';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import { leftovers } from '../support/leftovers.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aGroup, anImage, aSnapshot, aVolume, MiB } from '../support/volume-specs.ts';

const SOAK = process.env['LOLIGO_SOAK'] === '1';
/** Milliseconds into a call. */
const MOMENTS = SOAK ? [undefined, 1, 3, 6, 10, 20, 50, 150, 400, 800] : [undefined, 4, 300];
const EACH = SOAK ? 1 : 7;
const AT_ONCE = 3;
/** More than any operation makes: that its end was reached is asserted. */
const CALLS_MAX = 200;
/** Seconds after which a killed maker counts as gone, where that is what is tried. */
const LIFE = 4;

interface Ground {
  readonly pool: TestPool;
  readonly bed: Bed;
  /** Names of this attempt end with it. */
  readonly tag: string;
}

interface Scenario {
  prepare(ground: Ground): Promise<void>;
  readonly operation: keyof Engine;
  args(ground: Ground): unknown;
  /** Looks at what there is after the repeated call, and deletes it. */
  finish(ground: Ground): Promise<void>;
}

const SCENARIOS: Record<string, Scenario> = {
  'CreateVolume of nothing': {
    prepare: async () => undefined,
    operation: 'createVolume',
    args: ({ pool, tag }) => aVolume(pool, { image: `v-${tag}`, size: 64n * MiB }),
    finish: (ground) => deleteVolumes(ground, 'v'),
  },
  'CreateVolume of a snapshot': {
    prepare: async (ground) => void (await snapshotOf(ground, 'src')),
    operation: 'createVolume',
    args: ({ pool, tag }) => {
      const snapshot = aSnapshot(anImage(pool.place, `src-${tag}`), `s-${tag}`);
      return aVolume(pool, { image: `v-${tag}`, size: 96n * MiB, source: { from: 'snapshot', snapshot } });
    },
    finish: async (ground) => {
      await deleteVolumes(ground, 'v');
      await ground.bed.engine.deleteSnapshot(aSnapshot(volumeOf(ground, 'src'), `s-${ground.tag}`));
      await deleteVolumes(ground, 'src');
    },
  },
  'CreateVolume of a volume': {
    prepare: (ground) => makeVolume(ground, 'src'),
    operation: 'createVolume',
    args: ({ pool, tag }) => {
      const volume = anImage(pool.place, `src-${tag}`);
      return aVolume(pool, { image: `v-${tag}`, size: 64n * MiB, source: { from: 'volume', volume } });
    },
    finish: (ground) => deleteVolumes(ground, 'v', 'src'),
  },
  "CreateVolume of a group snapshot's member, with stripes and a journal": {
    prepare: async (ground) => {
      await makeVolume(ground, 'a');
      await makeVolume(ground, 'b');
      await ground.bed.engine.createGroupSnapshot(groupOf(ground));
    },
    operation: 'createVolume',
    args: ({ pool, tag }) => {
      const snapshot = aSnapshot(anImage(pool.place, `a-${tag}`), `g-${tag}`);
      const volume = aVolume(pool, { image: `v-${tag}`, size: 68n * MiB, source: { from: 'snapshot', snapshot } });
      const features = [...volume.layout.features, 'journaling'] as const;
      return { ...volume, layout: { ...volume.layout, features, stripeUnit: MiB, stripeCount: 2n } };
    },
    finish: async (ground) => {
      assert.match(await ground.pool.rbd('info', `v-${ground.tag}`), /journaling.*stripe count: 2/s);
      await deleteVolumes(ground, 'v');
      await ground.bed.engine.deleteGroupSnapshot(groupOf(ground));
      await deleteVolumes(ground, 'a', 'b');
    },
  },
  DeleteVolume: {
    prepare: (ground) => makeVolume(ground, 'v'),
    operation: 'deleteVolume',
    args: (ground) => volumeOf(ground, 'v'),
    finish: async () => undefined,
  },
  'DeleteVolume of one with a snapshot': {
    prepare: async (ground) => void (await snapshotOf(ground, 'v')),
    operation: 'deleteVolume',
    args: (ground) => volumeOf(ground, 'v'),
    finish: async (ground) => {
      await ground.bed.engine.getSnapshot(aSnapshot(volumeOf(ground, 'v'), `s-${ground.tag}`));
      await ground.bed.engine.deleteSnapshot(aSnapshot(volumeOf(ground, 'v'), `s-${ground.tag}`));
    },
  },
  ControllerExpandVolume: {
    prepare: (ground) => makeVolume(ground, 'v'),
    operation: 'expandVolume',
    args: (ground) => ({ volume: volumeOf(ground, 'v'), range: { required: 128n * MiB, limit: 0n } }),
    finish: async (ground) => {
      assert.equal((await ground.bed.engine.getVolume(volumeOf(ground, 'v'))).size, 128n * MiB);
      await deleteVolumes(ground, 'v');
    },
  },
  CreateSnapshot: {
    prepare: (ground) => makeVolume(ground, 'v'),
    operation: 'createSnapshot',
    args: (ground) => aSnapshot(volumeOf(ground, 'v'), `s-${ground.tag}`),
    finish: async (ground) => {
      assert.deepEqual(await userSnapshots(ground, 'v'), [`s-${ground.tag}`]);
      await ground.bed.engine.deleteSnapshot(aSnapshot(volumeOf(ground, 'v'), `s-${ground.tag}`));
      await deleteVolumes(ground, 'v');
    },
  },
  DeleteSnapshot: {
    prepare: async (ground) => void (await snapshotOf(ground, 'v')),
    operation: 'deleteSnapshot',
    args: (ground) => aSnapshot(volumeOf(ground, 'v'), `s-${ground.tag}`),
    finish: async (ground) => {
      assert.deepEqual(await userSnapshots(ground, 'v'), []);
      await deleteVolumes(ground, 'v');
    },
  },
  'DeleteSnapshot, the last of a deleted volume': {
    prepare: async (ground) => {
      await snapshotOf(ground, 'v');
      await deleteVolumes(ground, 'v');
    },
    operation: 'deleteSnapshot',
    args: (ground) => aSnapshot(volumeOf(ground, 'v'), `s-${ground.tag}`),
    finish: async () => undefined,
  },
  CreateVolumeGroupSnapshot: {
    prepare: async (ground) => {
      await makeVolume(ground, 'a');
      await makeVolume(ground, 'b');
    },
    operation: 'createGroupSnapshot',
    args: groupOf,
    finish: async (ground) => {
      const { snapshots } = await ground.bed.engine.getGroupSnapshot(groupOf(ground));
      assert.deepEqual(
        snapshots.map(({ image }) => image),
        [`a-${ground.tag}`, `b-${ground.tag}`],
      );
      assert.equal(await ground.pool.rbd('group', 'image', 'list', `g-${ground.tag}`), '');
      await ground.bed.engine.deleteGroupSnapshot(groupOf(ground));
      await deleteVolumes(ground, 'a', 'b');
    },
  },
  DeleteVolumeGroupSnapshot: {
    prepare: async (ground) => {
      await makeVolume(ground, 'a');
      await makeVolume(ground, 'b');
      await ground.bed.engine.createGroupSnapshot(groupOf(ground));
      await deleteVolumes(ground, 'a');
    },
    operation: 'deleteGroupSnapshot',
    args: groupOf,
    finish: (ground) => deleteVolumes(ground, 'b'),
  },
};

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  test(`${name} killed at any call is finished by the next, and leaves nothing`, async () => {
    await using pool = await sharedCeph().freshNamespace();
    await using bed = await engineBed(pool);

    await killEverywhere(scenario, { pool, bed, each: EACH });

    assert.deepEqual(await leftovers(pool, bed), []);
  });
}

/** What looks at ages, and of how many kill points each is tried: one has to wait for the end of a life. */
const WAITING = { 'CreateVolume of nothing': 5, 'CreateVolume of a volume': 25, CreateVolumeGroupSnapshot: 25 };

for (const [name, each] of Object.entries(WAITING)) {
  test(`${name} killed is finished also by a call that has to wait until the maker cannot live any more`, async () => {
    const scenario = SCENARIOS[name];
    assert.ok(scenario);
    await using pool = await sharedCeph().freshNamespace();
    await using bed = await engineBed(pool, { creatorLife: LIFE });

    await killEverywhere(scenario, { pool, bed, each: SOAK ? 1 : each });

    await sleep(LIFE * 1000);
    assert.deepEqual(await leftovers(pool, bed), []);
  });
}

interface Killing {
  readonly pool: TestPool;
  readonly bed: Bed;
  /** Of all calls and moments, one in so many is tried. */
  readonly each: number;
}

/** Kills at ever later calls until the operation gets through alive; throws when that never was, or too few kills were met. */
async function killEverywhere(scenario: Scenario, { pool, bed, each }: Killing): Promise<void> {
  let killed = 0;
  let past = false;
  const points = Array.from({ length: CALLS_MAX }, (_, index) => index + 1);
  await inParallel(points, AT_ONCE, async (call) => {
    for (const [index, after] of MOMENTS.entries()) {
      if (past || (call * MOMENTS.length + index) % each !== 0) continue;
      const died = await killOnce(scenario, { pool, bed, tag: `${call}-${after ?? 'before'}` }, { call, after });
      if (died) killed += 1;
      // A short call is over before the moment comes; that the last one is over too, only a kill before it tells.
      else if (after === undefined) past = true;
    }
  });
  assert.ok(past, `the operation makes more than ${CALLS_MAX} calls`);
  assert.ok(killed >= 2, `only ${killed} kill points were met`);
}

async function killOnce(scenario: Scenario, ground: Ground, moment: { call: number; after: number | undefined }): Promise<boolean> {
  await scenario.prepare(ground);
  const args = scenario.args(ground);
  const died = await diedAt(ground.pool, ground.bed, { operation: scenario.operation, args, ...moment });
  try {
    await untilDone(() => ground.bed.engine[scenario.operation](args as never));
    await scenario.finish(ground);
  } catch (error) {
    throw new Error(`killed ${moment.after ?? 'right'} ms ${moment.after === undefined ? 'before' : 'into'} call ${moment.call}`, {
      cause: error,
    });
  }
  return died;
}

/** As a sidecar asks: again while the answer leaves the outcome open. The killed one's watch may outlive it by a moment. */
async function untilDone(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await ask();
      return;
    } catch (error) {
      const open = error instanceof Failure && ['busy', 'unfinished'].includes(error.kind);
      if (!open || attempt >= 10 + LIFE * 5) throw error;
      await sleep(200);
    }
  }
}

function volumeOf({ pool, tag }: Ground, name: string): ImageRef {
  return anImage(pool.place, `${name}-${tag}`);
}

function groupOf(ground: Ground): ReturnType<typeof aGroup> {
  return aGroup(ground.pool, `g-${ground.tag}`, [volumeOf(ground, 'a'), volumeOf(ground, 'b')]);
}

async function makeVolume(ground: Ground, name: string): Promise<void> {
  await ground.bed.engine.createVolume(aVolume(ground.pool, { image: `${name}-${ground.tag}`, size: 64n * MiB }));
}

async function snapshotOf(ground: Ground, name: string): Promise<void> {
  await makeVolume(ground, name);
  await ground.bed.engine.createSnapshot(aSnapshot(volumeOf(ground, name), `s-${ground.tag}`));
}

async function deleteVolumes(ground: Ground, ...names: readonly string[]): Promise<void> {
  for (const name of names) await untilDone(() => ground.bed.engine.deleteVolume(volumeOf(ground, name)));
}

async function userSnapshots({ pool, tag }: Ground, name: string): Promise<string[]> {
  const listed = (await pool.rbdJson('snap', 'ls', `${name}-${tag}`)) as { name: string }[]; // the shape of `rbd snap ls`
  return listed.map((snapshot) => snapshot.name);
}
