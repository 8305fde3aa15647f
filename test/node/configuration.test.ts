/** The cluster configuration of a node changes while the program runs: keys, monitors and clusters, without a restart. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterEntry, Driver, writeClusters } from '../support/driver.ts';
import { type Answered, answerOf, isNotFinal, untilOk } from '../support/driver-bed.ts';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { NodeBed } from './node-bed.ts';

type Clusters = Readonly<Record<string, ClusterEntry>>;

function entryOf({ connection }: NodeBed): ClusterEntry {
  const { monitors, user, key } = connection;
  return { monitors, user, key };
}

async function nodeDriver(bed: NodeBed, clusters: Clusters): Promise<Driver> {
  mkdirSync(bed.path('d'));
  return await Driver.start({ role: 'node', dir: bed.path('d'), clusters });
}

/** Under the running driver, which looks four times a second. */
async function configure(driver: Driver, clusters: Clusters): Promise<void> {
  writeClusters(driver.dir, clusters);
  await sleep(300);
}

/** What every call says of the image `name` of the bed, as a volume of that cluster. */
function asked(
  bed: NodeBed,
  name: string,
  cluster = 'prod',
): { volumeId: string; stagingTargetPath: string; volumeCapability: object } {
  const volumeCapability = { mount: { fsType: 'ext4' }, accessMode: { mode: 'SINGLE_NODE_WRITER' } };
  return { volumeId: `${cluster}/${bed.pool.spec}/${name}`, stagingTargetPath: bed.path(`stage-${name}`), volumeCapability };
}

/** Takes the user's key away and gives it another. */
async function rotateKey({ pool, connection }: NodeBed): Promise<string> {
  const { ceph, name, namespace } = pool;
  await ceph.ceph('auth', 'rm', `client.${connection.user}`);
  return await ceph.createUser(connection.user, { mon: 'profile rbd', osd: `profile rbd pool=${name} namespace=${namespace}` });
}

test('a node stages with a rotated key as soon as its file has it, not with the old one, and never restarts', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const old = entryOf(bed);
  await using driver = await nodeDriver(bed, { prod: old });
  const { pid } = driver;
  for (const name of ['before', 'after']) await bed.image(name);
  const [before, after] = [asked(bed, 'before'), asked(bed, 'after')];
  await ask(driver, 'NodeStageVolume', before);

  const rotated = await rotateKey(bed);
  const withOld = await finalAnswer(driver, 'NodeStageVolume', after);
  const leftByRefusal = await watchersOf(bed, 'after');
  await configure(driver, { prod: { ...old, key: rotated } });
  const withNew = await finalAnswer(driver, 'NodeStageVolume', after);
  const mapped = await watchersOf(bed, 'after');
  const repeated = await finalAnswer(driver, 'NodeStageVolume', before);
  writeFileSync(`${after.stagingTargetPath}/file`, 'written with the new key');
  await runProgram('sync', ['--file-system', after.stagingTargetPath]);
  await configure(driver, { prod: old });
  await ask(driver, 'NodeUnstageVolume', after);
  const withOldAgain = await finalAnswer(driver, 'NodeStageVolume', after);
  await configure(driver, { prod: { ...old, key: rotated } });
  await ask(driver, 'NodeStageVolume', after);
  const read = readFileSync(`${after.stagingTargetPath}/file`, 'utf8');
  for (const volume of [before, after]) await ask(driver, 'NodeUnstageVolume', volume);

  for (const { status, details } of [withOld, withOldAgain]) {
    assert.equal(status, 'UNAUTHENTICATED', details);
    assert.match(details, new RegExp(`KEY_REFUSED.*client\\.${old.user}`));
  }
  for (const { status, details } of [withNew, repeated]) assert.equal(status, 'OK', details);
  assert.deepEqual([leftByRefusal, mapped], [0, 1]);
  assert.equal(read, 'written with the new key');
  assert.equal(driver.pid, pid);
  assert.deepEqual(bed.leftovers(), []);
  for (const key of [old.key, rotated]) assert.ok(!driver.log().includes(key), 'a key is in the log');
});

test('a node stages volumes of a cluster that is added, and through monitors that change, without a restart', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const entry = entryOf(bed);
  const nobody = { ...entry, monitors: ['127.0.0.1:1'] };
  await using driver = await nodeDriver(bed, { prod: nobody });
  for (const name of ['moved', 'late']) await bed.image(name);
  const [moved, late] = [asked(bed, 'moved'), asked(bed, 'late', 'late')];

  const unreachable = await answerOf(driver.csi.call('NodeStageVolume', moved, { deadline: 5000 }));
  const unknown = await finalAnswer(driver, 'NodeStageVolume', late);
  await configure(driver, { prod: entry, late: entry });
  await ask(driver, 'NodeStageVolume', moved);
  await ask(driver, 'NodeStageVolume', late);
  const watchers = [await watchersOf(bed, 'moved'), await watchersOf(bed, 'late')];
  // Taking away needs nothing of a configuration.
  await configure(driver, {});
  for (const volume of [moved, late]) await ask(driver, 'NodeUnstageVolume', volume);

  assert.equal(unreachable.status, 'UNAVAILABLE');
  assert.match(unreachable.details, /CEPH_SLOW.*cluster prod.*127\.0\.0\.1:1/);
  assert.equal(unknown.status, 'FAILED_PRECONDITION', unknown.details);
  assert.match(unknown.details, /CLUSTER_UNKNOWN.*late/);
  assert.deepEqual(watchers, [1, 1]);
  assert.deepEqual(bed.leftovers(), []);
});

/** As kubelet asks: again, while the outcome is open. */
async function ask(driver: Driver, method: string, request: object): Promise<void> {
  await untilOk(() => driver.csi.call(method, request), 120);
}

async function finalAnswer(driver: Driver, method: string, request: object): Promise<Answered> {
  for (const end = Date.now() + 120_000; ; await sleep(300)) {
    const answer = await answerOf(driver.csi.call(method, request));
    if (!isNotFinal(answer.status) || Date.now() > end) return answer;
  }
}

/** How many clients have the image open, as Ceph's own program tells. */
async function watchersOf(bed: NodeBed, image: string): Promise<number> {
  const { watchers } = Object(await bed.pool.rbdJson('status', image));
  return watchers.length;
}
