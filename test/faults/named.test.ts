/** Faults that a person can mend: the code and the cause for the calls they concern, and no restart once they are mended. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterEntry } from '../support/driver.ts';
import { type Answered, anEntry, answerOf, aVolumeIn, DriverBed, isNotFinal, untilOk } from '../support/driver-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sessionsOf } from '../support/mon-sessions.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

/** One of Ceph's form and one that is not. */
const WRONG_KEYS = ['AQA3vRBjmTuiIBAAyp9Cdj/Gc6Ipj2ZgTDzN0w==', 'not-a-key'];

const BLOCK = { block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } };
const NODE = 'n@127.0.0.1';

/** Every RPC that needs Ceph, asked of a volume; the answers by method. */
async function askEverything(bed: DriverBed, volume: object = bed.volume('new')): Promise<Readonly<Record<string, Answered>>> {
  const volumeId = bed.handle('there');
  const requests: Readonly<Record<string, object>> = {
    CreateVolume: volume,
    DeleteVolume: { volumeId },
    ControllerExpandVolume: { volumeId, capacityRange: { requiredBytes: String(2 ** 27) } },
    ControllerGetVolume: { volumeId },
    CreateSnapshot: { name: 'snap', sourceVolumeId: volumeId },
    DeleteSnapshot: { snapshotId: `${volumeId}@snap` },
    GetSnapshot: { snapshotId: `${volumeId}@snap` },
    ListSnapshots: { sourceVolumeId: volumeId },
    ControllerPublishVolume: { volumeId, nodeId: NODE, volumeCapability: BLOCK },
    ControllerUnpublishVolume: { volumeId, nodeId: NODE },
    ControllerModifyVolume: { volumeId, mutableParameters: { maxCloneDepth: '4' } },
    ControllerGetVolumeHealth: { volumeId },
    ValidateVolumeCapabilities: { volumeId, volumeCapabilities: [BLOCK] },
    GetCapacity: { parameters: Reflect.get(volume, 'parameters') },
    CreateVolumeGroupSnapshot: { name: 'group', sourceVolumeIds: [volumeId] },
    GetVolumeGroupSnapshot: { groupSnapshotId: bed.handle('group') },
    DeleteVolumeGroupSnapshot: { groupSnapshotId: bed.handle('group') },
    GetMetadataAllocated: { snapshotId: `${volumeId}@snap` },
  };
  const answers: Record<string, Answered> = {};
  // One after the other, or the lock on the volume would answer.
  for (const [method, request] of Object.entries(requests)) {
    const ask = method.startsWith('GetMetadata') ? bed.csi.stream : bed.csi.call;
    answers[method] = await answerOf(ask(method, request, { deadline: 15_000 }));
  }
  return answers;
}

/** The listings of all clusters, which have no word for "all but these". */
async function askLists(bed: DriverBed): Promise<Readonly<Record<string, Answered>>> {
  const ask = (method: string): Promise<Answered> => answerOf(bed.csi.call(method, {}, { deadline: 15_000 }));
  return {
    ListVolumes: await ask('ListVolumes'),
    ListSnapshots: await ask('ListSnapshots'),
    ControllerListVolumeHealth: await ask('ControllerListVolumeHealth'),
  };
}

/** Another cluster that the same driver serves, and that nothing of the fault may reach. */
class OtherCluster implements AsyncDisposable {
  readonly clusters: Readonly<Record<'other', ClusterEntry>>;
  readonly #pool: TestPool;

  private constructor(pool: TestPool, entry: ClusterEntry) {
    this.#pool = pool;
    this.clusters = { other: entry };
  }

  static async open(): Promise<OtherCluster> {
    const pool = await sharedCeph().freshNamespace();
    return new OtherCluster(pool, await anEntry(pool.ceph));
  }

  /** Asked once, while the fault is there: makes a volume and deletes it. Throws unless both are OK, and seen so. */
  async check(bed: DriverBed): Promise<void> {
    const made = await answerOf(bed.csi.call('CreateVolume', { name: 'v', ...aVolumeIn('other', this.#pool) }));
    const images = await this.#pool.images();
    const deleted = await answerOf(bed.csi.call('DeleteVolume', { volumeId: `other/${this.#pool.spec}/v` }));

    for (const { status, details } of [made, deleted]) assert.equal(status, 'OK', details);
    assert.deepEqual([images, await this.#pool.images()], [['v'], []]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.ceph.ceph('auth', 'rm', `client.${this.clusters.other.user}`);
    await this.#pool[Symbol.asyncDispose]();
  }
}

function checkAll(answers: Readonly<Record<string, Answered>>, status: string, cause: RegExp): void {
  for (const [method, answer] of Object.entries(answers)) {
    assert.equal(answer.status, status, `${method}: ${answer.details}`);
    assert.match(answer.details, cause);
  }
}

test('a wrong key is UNAUTHENTICATED for its cluster alone; the right one, and a rotated one, serve without a restart', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using other = await OtherCluster.open();
  await using bed = await DriverBed.open(pool, { clusters: other.clusters });
  await bed.create('there');

  const { parameters } = Object(bed.volume('new'));

  for (const key of WRONG_KEYS) {
    await bed.configure({ [bed.cluster]: { ...bed.entry, key }, ...other.clusters });
    const answers = { ...(await askEverything(bed)), ...(await askLists(bed)) };
    const cause = `UNAUTHENTICATED: KEY_WRONG: ${bed.cluster} at east: (?!.*${bed.cluster} at east).*client\\.${bed.entry.user}`;
    checkAll(answers, 'UNAUTHENTICATED', new RegExp(cause));
    // One refusal answers them all, and none of them adds to what the next one reads.
    const crowd = await Promise.all(Array.from({ length: 100 }, () => answerOf(bed.csi.call('GetCapacity', { parameters }))));
    checkAll(Object.fromEntries(crowd.entries()), 'UNAUTHENTICATED', new RegExp(cause));
  }
  await other.check(bed);
  await bed.configure({ [bed.cluster]: bed.entry, ...other.clusters });
  const right = await bed.create('with-the-right-key');
  const rotated = await rotateKey(bed);
  await bed.configure({ [bed.cluster]: { ...bed.entry, key: rotated }, ...other.clusters });
  await bed.create('with-the-new-key');

  assert.equal(right, bed.handle('with-the-right-key'));
  assert.deepEqual(await pool.images(), ['there', 'with-the-new-key', 'with-the-right-key']);
  const log = bed.driver.log();
  for (const key of [...WRONG_KEYS, rotated, bed.entry.key]) assert.ok(!log.includes(key), 'a key is in the log');
});

async function rotateKey({ pool, entry }: DriverBed): Promise<string> {
  await pool.ceph.ceph('auth', 'rm', `client.${entry.user}`);
  return await pool.ceph.createUser(entry.user, { mon: 'profile rbd', osd: 'profile rbd' });
}

for (const [what, osd] of [
  ['none on the pool', 'profile rbd pool=another'],
  ['reading alone', 'profile rbd-read-only'],
] as const) {
  test(`a user with the OSD capability of ${what} is PERMISSION_DENIED by name, and nothing is made or deleted`, async () => {
    await using pool = await sharedCeph().freshNamespace();
    await using other = await OtherCluster.open();
    await using able = await DriverBed.open(pool);
    const volumeId = await able.create('there');
    const { cluster } = able;
    await using bed = await DriverBed.open(pool, { cluster, entry: await anEntry(pool.ceph, osd), clusters: other.clusters });

    const answers = {
      create: await answerOf(bed.csi.call('CreateVolume', bed.volume('v'))),
      delete: await answerOf(bed.csi.call('DeleteVolume', { volumeId })),
      snapshot: await answerOf(bed.csi.call('CreateSnapshot', { name: 'snap', sourceVolumeId: volumeId })),
      expand: await answerOf(
        bed.csi.call('ControllerExpandVolume', { volumeId, capacityRange: { requiredBytes: String(2 ** 27) } }),
      ),
      publish: await answerOf(bed.csi.call('ControllerPublishVolume', { volumeId, nodeId: NODE, volumeCapability: BLOCK })),
      modify: await answerOf(bed.csi.call('ControllerModifyVolume', { volumeId, mutableParameters: { maxCloneDepth: '4' } })),
      group: await answerOf(bed.csi.call('CreateVolumeGroupSnapshot', { name: 'group', sourceVolumeIds: [volumeId] })),
    };
    await other.check(bed);

    checkAll(answers, 'PERMISSION_DENIED', /CAPABILITY_MISSING.*profile rbd/);
    assert.deepEqual(await pool.images(), ['there']);
    assert.equal(Object(await pool.rbdJson('info', 'there')).size, 2 ** 26);
    assert.deepEqual(await pool.rbdJson('snap', 'ls', '--all', 'there'), []);
    assert.deepEqual(await pool.rbdJson('group', 'ls'), []);
    assert.deepEqual(await pool.rbdJson('trash', 'ls', '--all'), []);
    await able.delete(volumeId);
  });
}

test('a pool that never was is FAILED_PRECONDITION by name', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using other = await OtherCluster.open();
  await using bed = await DriverBed.open(pool, { clusters: other.clusters });
  const nowhere = { name: 'there', ...aVolumeIn(bed.cluster, { name: 'nowhere', namespace: '' }) };
  const volumeId = `${bed.cluster}/nowhere/there`;

  const created = await answerOf(bed.csi.call('CreateVolume', nowhere));
  const deleted = await answerOf(bed.csi.call('DeleteVolume', { volumeId }));
  await other.check(bed);

  checkAll({ created, deleted }, 'FAILED_PRECONDITION', /POOL_MISSING.*nowhere/);
});

test('a pool that is deleted under the driver is FAILED_PRECONDITION, never "gone, so deleted"; made again, it serves', async () => {
  const ceph = sharedCeph();
  const name = `doomed-${Date.now()}`;
  const pool = await ceph.freshPool(name);
  await using other = await OtherCluster.open();
  await using bed = await DriverBed.open(pool, { clusters: other.clusters });
  await bed.create('there');

  await pool[Symbol.asyncDispose]();
  const gone = await askEverything(bed);
  await other.check(bed);
  await using again = await ceph.freshPool(name);
  const unmarked = await answerOf(bed.csi.call('DeleteVolume', { volumeId: bed.handle('there') }));
  await bed.create('new');

  checkAll(gone, 'FAILED_PRECONDITION', new RegExp(`POOL_MISSING.*${name}`));
  assert.equal(unmarked.status, 'FAILED_PRECONDITION', unmarked.details);
  assert.deepEqual(await again.images(), ['new']);
});

test('a driver whose connection is blocklisted takes a new one by itself', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using other = await OtherCluster.open();
  await using bed = await DriverBed.open(pool, { clusters: other.clusters });
  await bed.create('there');
  const [address = ''] = await sessionsOf(pool.ceph, bed.entry.user);

  await pool.ceph.ceph('osd', 'blocklist', 'add', address, '60');
  await other.check(bed);
  const statuses: string[] = [];
  const made = await untilOk(async () => {
    const answer = await answerOf(bed.csi.call('CreateVolume', bed.volume('after'), { deadline: 15_000 }));
    statuses.push(answer.status);
    if (answer.status !== 'OK') assert.ok(isNotFinal(answer.status), answer.details);
    return await bed.csi.call('CreateVolume', bed.volume('after'));
  }, 40);

  assert.equal(made.volume.volumeId, bed.handle('after'));
  assert.notEqual((await sessionsOf(pool.ceph, bed.entry.user))[0], address);
  await pool.ceph.ceph('osd', 'blocklist', 'rm', address);
});

test('a cluster that is added, and monitors that change, are served without a restart', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  await bed.create('there');
  const late = { name: 'late', ...aVolumeIn('late', pool) };

  const unknown = await answerOf(bed.csi.call('CreateVolume', late));
  const moved = { ...bed.entry, monitors: ['127.0.0.1:1', ...bed.entry.monitors] };
  await using latePool = await sharedCeph().freshNamespace();
  await bed.configure({ [bed.cluster]: moved, late: bed.entry });
  await bed.create('moved');
  const known = await untilOk(() => bed.csi.call('CreateVolume', { name: 'late', ...aVolumeIn('late', latePool) }));
  await bed.configure({ late: bed.entry });
  const removed = await answerOf(bed.csi.call('DeleteVolume', { volumeId: bed.handle('there') }));

  checkAll({ unknown, removed }, 'FAILED_PRECONDITION', /CLUSTER_UNKNOWN/);
  assert.equal(known.volume.volumeId, `late/${latePool.spec}/late`);
  assert.deepEqual(await pool.images(), ['moved', 'there']);
});

test('a monitor that is not there is UNAVAILABLE within the deadline', async () => {
  await using pool = await sharedCeph().freshNamespace();
  const entry = { ...(await anEntry(pool.ceph)), monitors: ['127.0.0.1:1'] };
  await using other = await OtherCluster.open();
  await using bed = await DriverBed.open(pool, { entry, clusters: other.clusters, options: { 'ceph-timeout': '2' } });

  const asked = answerOf(bed.csi.call('CreateVolume', bed.volume('v'), { deadline: 6000 }));
  await other.check(bed);
  const answer = await asked;

  assert.equal(answer.status, 'UNAVAILABLE', answer.details);
  assert.match(answer.details, /UNAVAILABLE: (?:MONITORS_SILENT|CEPH_SLOW): (\S+ at east): (?!.*\1).*monitor/);
  assert.ok(answer.took < 7000);
});
