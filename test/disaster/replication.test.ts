/** CSI-Addons' calls, in the order in which its controller makes them, between two real sites; the witnesses are `rbd mirror`'s own commands. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChildProgram } from '../support/child-program.ts';
import { type CsiClient, CsiError, connectAddons, type Message } from '../support/csi-client.ts';
import { adminKey, engineBed } from '../support/engine-bed.ts';
import { until } from '../support/kubernetes/waiting.ts';
import { EAST, MirrorBed, type MirrorPool, type MirrorSide, WEST } from '../support/mirror/mirror-bed.ts';
import { peer, policyOf } from '../support/mirror/sites.ts';
import { aVolume, MiB } from '../support/volume-specs.ts';

const PROGRAM = join(import.meta.dirname, '../../src/bin/loligo.ts');
const CLASS = {
  mirroringMode: 'snapshot',
  schedulingInterval: '1m',
  'replication.storage.openshift.io/replication-secret-name': 'x',
};

let bed: MirrorBed;
let dir: string;
const stack = new AsyncDisposableStack();
const addons: Record<string, CsiClient> = {};

before(async () => {
  bed = await MirrorBed.start();
  dir = mkdtempSync(join(tmpdir(), 'loligo-addons-'));
  for (const site of [EAST, WEST]) addons[site] = await startDriver(site);
});

after(async () => {
  await stack.disposeAsync();
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
  await bed?.[Symbol.asyncDispose]();
});

/** Our controller at a site, with both sites in its cluster configuration. */
async function startDriver(site: string): Promise<CsiClient> {
  const entry = async (name: string): Promise<object> => {
    const ceph = name === EAST ? bed.east : bed.west;
    writeFileSync(join(dir, `${name}.key`), await adminKey(ceph), { mode: 0o600 });
    return { monitors: ceph.monitors, user: 'admin', keyFile: `${name}.key` };
  };
  const other = site === EAST ? WEST : EAST;
  const clusters = join(dir, `${site}.json`);
  writeFileSync(clusters, JSON.stringify({ prod: { site, ...(await entry(site)), peers: { [other]: await entry(other) } } }));
  const socket = join(dir, `${site}-addons.sock`);
  const endpoints = [`--endpoint=unix://${join(dir, `${site}.sock`)}`, `--addons-endpoint=unix://${socket}`];
  const options = [...endpoints, `--clusters=${clusters}`, '--health='];
  stack.use(ChildProgram.start([process.execPath, PROGRAM, 'controller', ...options], join(dir, `${site}.log`)));
  const client = connectAddons(socket);
  stack.defer(() => client.close());
  await until(async () => (await client.call('Probe', {})).ready.value === true, { what: `${site} answers`, timeout: 60_000 });
  return client;
}

async function call(side: MirrorSide, method: string, request: object = {}): Promise<Message> {
  const source = { replicationSource: { volume: { volumeId: `prod/${side.pool.name}/v` } } };
  const client = addons[side.name];
  assert.ok(client);
  return await client.call(method, { ...source, ...request });
}

/** The status of a refusal, `OK` for none. */
async function statusOf(side: MirrorSide, method: string, request: object = {}): Promise<string> {
  try {
    await call(side, method, request);
    return 'OK';
  } catch (error) {
    assert.ok(error instanceof CsiError);
    return error.status;
  }
}

async function isPrimary({ pool }: MirrorSide): Promise<boolean> {
  const info = (await pool.rbdJson('info', 'v')) as { mirroring?: { primary?: boolean } };
  return info.mirroring?.primary === true;
}

/** As the controller does for `replicationState: primary`: again and again, and with force as soon as it is told FAILED_PRECONDITION. */
async function asPrimary(side: MirrorSide): Promise<readonly string[]> {
  const statuses: string[] = [];
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(200)) {
    const status = await statusOf(side, 'PromoteVolume');
    if (statuses.at(-1) !== status) statuses.push(status);
    if (status === 'FAILED_PRECONDITION') statuses.push(`forced: ${await statusOf(side, 'PromoteVolume', { force: true })}`);
    if (status === 'OK') return statuses;
  }
  throw new Error(`not promoted: ${statuses.join()}`);
}

/** As it does for `replicationState: secondary`. */
async function asSecondary(side: MirrorSide, autoResync = false): Promise<void> {
  const isReady = async (): Promise<boolean> => {
    assert.equal(await statusOf(side, 'DemoteVolume'), 'OK');
    return (await call(side, 'ResyncVolume', { force: autoResync })).ready === true;
  };
  await until(isReady, { what: `v follows at ${side.name}`, timeout: 120_000, interval: 1000 });
}

async function write({ pool }: MirrorSide): Promise<string> {
  await pool.rbd('bench', 'v', '--io-type', 'write', '--io-size', '64K', '--io-total', '8M', '--io-pattern', 'rand');
  return await pool.checksum('v');
}

async function replicated(pool: MirrorPool): Promise<void> {
  await peer(pool);
  await using made = await engineBed(pool.east.pool, { site: EAST, instance: 'default' });
  await made.engine.createVolume(aVolume(pool, { image: 'v', size: 32n * MiB }));
  await call(pool.east, 'EnableVolumeReplication', { parameters: CLASS });
  await call(pool.east, 'PromoteVolume');
  const isHealthy = async (): Promise<boolean> => (await call(pool.east, 'GetVolumeReplicationInfo')).status === 'HEALTHY';
  await until(isHealthy, { what: 'the volume is replicated', timeout: 90_000, interval: 500 });
}

test('the controller moves a volume over and straight back: nothing is forced, nothing is lost', async (t) => {
  await using pool = await bed.freshPool();
  await replicated(pool);
  const { east, west } = pool;
  const written = await write(east);

  const early = [await statusOf(west, 'PromoteVolume'), await statusOf(west, 'PromoteVolume', { force: true })];
  const stillSecondary = !(await isPrimary(west));
  assert.equal(await statusOf(east, 'DemoteVolume'), 'OK');
  const over = await asPrimary(west);
  const arrived = await west.pool.checksum('v');
  const writtenThere = await write(west);
  assert.equal(await statusOf(west, 'DemoteVolume'), 'OK');
  const back = await asPrimary(east);

  t.diagnostic(`promote at west: ${over.join(', ')}; straight back at east: ${back.join(', ')}`);
  assert.deepEqual(early, ['ABORTED', 'ABORTED']);
  assert.ok(stillSecondary);
  assert.equal(arrived, written);
  assert.equal(await east.pool.checksum('v'), writtenThere);
  assert.deepEqual([await isPrimary(east), await isPrimary(west)], [true, false]);
  assert.ok([...over, ...back].every((status) => status === 'OK' || status === 'ABORTED'));
  await asSecondary(west);
  const info = await call(east, 'GetVolumeReplicationInfo');
  assert.ok(Date.now() / 1000 - Number(info.lastSyncTime.seconds) < 120, JSON.stringify(info));
  const { replicationDestination } = await call(east, 'GetReplicationDestinationInfo');
  assert.equal(replicationDestination.volume.volumeId, `prod/${pool.name}/v`);
});

test('mirror snapshots are taken at the interval of the class, also when the peer has all there is', async () => {
  await using pool = await bed.freshPool();
  await replicated(pool);
  const count = async (): Promise<number> => {
    const snapshots = (await pool.east.pool.rbdJson('snap', 'ls', '--all', 'v')) as { id: number }[];
    return Math.max(...snapshots.map(({ id }) => id));
  };

  const before = await count();

  await until(async () => (await count()) > before, { what: 'another mirror snapshot', timeout: 90_000, interval: 2000 });
});

test('a volume that was written at both sites stays as it is until somebody lets one side go', async () => {
  await using pool = await bed.freshPool();
  await replicated(pool);
  const { east, west } = pool;
  await west.pool.rbd('mirror', 'image', 'promote', '--force', 'v');
  assert.equal(await statusOf(west, 'PromoteVolume'), 'OK');
  const [lost, kept] = [await write(east), await write(west)];
  assert.notEqual(lost, kept);

  assert.equal(await statusOf(east, 'ResyncVolume', { force: true }), 'FAILED_PRECONDITION');
  assert.equal(await statusOf(east, 'DemoteVolume'), 'OK');
  const split = async (): Promise<boolean> => (await east.pool.rbd('mirror', 'image', 'status', 'v')).includes('split-brain');
  await until(split, { what: 'the daemon sees it', timeout: 60_000, interval: 500 });
  const refused = await statusOf(east, 'ResyncVolume');
  const untouched = await east.pool.checksum('v');
  await asSecondary(east, true);

  assert.equal(refused, 'ABORTED');
  assert.equal(untouched, lost);
  await until(async () => (await east.pool.checksum('v')) === kept, { what: 'the copy is that of west', timeout: 60_000 });
  assert.deepEqual([await isPrimary(east), await isPrimary(west)], [false, true]);
});

test('with the other site silent nothing is promoted, and nothing is forced', async () => {
  await using pool = await bed.freshPool();
  await replicated(pool);
  await using east = bed.east.freeze();

  const plain = await statusOf(pool.west, 'PromoteVolume');
  const forced = await statusOf(pool.west, 'PromoteVolume', { force: true });
  const resync = await statusOf(pool.west, 'ResyncVolume', { force: true });
  const info = await call(pool.west, 'GetVolumeReplicationInfo');
  const primary = await isPrimary(pool.west);
  await east[Symbol.asyncDispose]();

  assert.deepEqual([plain, forced, resync, info.status], ['UNAVAILABLE', 'ABORTED', 'UNAVAILABLE', 'UNKNOWN']);
  assert.equal(primary, false);
});

test('what a MirrorPolicy has is left to it, and the end of replication takes the copy along', async () => {
  await using pool = await bed.freshPool();
  await replicated(pool);
  const images = { place: pool.place, images: ['v'], mode: 'snapshot', parents: 'refuse', policy: policyOf(pool) } as const;
  const { east, west } = pool;

  const nothing = [
    await statusOf(east, 'EnableVolumeReplication', { parameters: { mode: 'x' } }),
    await statusOf(east, 'EnableVolumeReplication', { parameters: { schedulingInterval: '10s' } }),
    await statusOf(east, 'EnableVolumeReplication', { replicationSource: { volumegroup: { volumeGroupId: 'g' } } }),
    await statusOf(east, 'DemoteVolume', { replicationSource: { volume: { volumeId: `prod/${pool.name}/none` } } }),
    await statusOf(east, 'PromoteVolume', { replicationSource: { volume: { volumeId: `prod/${pool.name}/none` } } }),
  ];
  const atCopy = await statusOf(west, 'DisableVolumeReplication');
  assert.deepEqual(await west.pool.images(), ['v']);
  await east.engine.enableMirroring(images);
  const ofPolicy = [
    await statusOf(east, 'EnableVolumeReplication', { parameters: CLASS }),
    await statusOf(east, 'DemoteVolume'),
    await statusOf(east, 'PromoteVolume'),
    await statusOf(east, 'DisableVolumeReplication'),
  ];
  assert.equal(await isPrimary(east), true);
  await east.engine.enableMirroring({ ...images, policy: { policy: 'csi-addons:1m', home: pool.place } });
  const ended = [await statusOf(east, 'DisableVolumeReplication'), await statusOf(east, 'DisableVolumeReplication')];

  assert.deepEqual(nothing, ['INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'UNIMPLEMENTED', 'NOT_FOUND', 'ABORTED']);
  assert.equal(atCopy, 'OK');
  assert.deepEqual(ofPolicy, ['FAILED_PRECONDITION', 'ABORTED', 'OK', 'OK']);
  assert.deepEqual(ended, ['OK', 'OK']);
  await until(async () => (await west.pool.images()).length === 0, { what: 'the copy is gone', timeout: 60_000, interval: 500 });
  assert.deepEqual(await east.pool.images(), ['v']);
});
