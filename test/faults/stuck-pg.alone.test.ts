/** One placement group of a pool serves nobody: the calls that need it are refused in time, the others go on. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answered, answerOf, DriverBed, isNotFinal } from '../support/driver-bed.ts';
import { ForeignImages } from '../support/foreign-images.ts';
import { MicroCeph, type TestPool } from '../support/micro-ceph.ts';

const PGS = 64;
const OPTIONS = { 'ceph-timeout': '2', 'creator-lifetime': '3', 'reap-interval': '3600' };
const DEADLINE = 6000;
const BLOCK = { block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } };

test('one placement group stuck: calls on the volume in it are UNAVAILABLE in time, calls on others succeed', async () => {
  await using ceph = await MicroCeph.start();
  await using pool = await poolOfManyGroups(ceph);
  const foreign = await ForeignImages.layIn(pool);
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  const names = Array.from({ length: 8 }, (_, index) => `v${index}`);
  await Promise.all(names.map((name) => bed.create(name)));
  const { victim, group } = await chooseVictim(pool, names);
  const others = names.filter((name) => name !== victim);

  await stick(ceph, group);
  const [refused, served] = await Promise.all([
    expandInTurn(bed, [victim, victim]),
    expandInTurn(bed, [...others, ...others, ...others]),
  ]);
  const [changes, looks] = await Promise.all([changeInTurn(bed, victim), lookAtOnce(bed, victim)]);
  await unstick(ceph, group);
  await bed.expand(victim, 2 ** 28);

  for (const { status, details, took } of [...refused, ...changes, ...looks]) {
    assert.ok(isNotFinal(status) && status !== 'DEADLINE_EXCEEDED', details);
    assert.ok(took < DEADLINE + 1000, details);
  }
  for (const { details } of [...refused.slice(0, 1), ...looks]) assert.match(details, /CEPH_TIMEOUT|CEPH_SLOW/);
  for (const { details } of changes) assert.match(details, /CEPH_TIMEOUT|CEPH_SLOW|OPERATION_PENDING/);
  assert.deepEqual(
    served.filter(({ status }) => status !== 'OK'),
    [],
  );
  assert.equal(Object(await pool.rbdJson('info', victim)).size, 2 ** 28);
  await foreign.check();
});

/** Grows the volumes one after the other, each time by a little. */
async function expandInTurn(bed: DriverBed, names: readonly string[]): Promise<readonly Answered[]> {
  const answers: Answered[] = [];
  for (const [index, name] of names.entries()) {
    const capacityRange = { requiredBytes: String(2 ** 27 + index * 2 ** 22) };
    const request = { volumeId: bed.handle(name), capacityRange };
    answers.push(await answerOf(bed.csi.call('ControllerExpandVolume', request, { deadline: DEADLINE })));
  }
  return answers;
}

/** What else changes the volume, in turn, for each holds it. */
async function changeInTurn(bed: DriverBed, name: string): Promise<readonly Answered[]> {
  const volumeId = bed.handle(name);
  const requests: Readonly<Record<string, object>> = {
    ControllerPublishVolume: { volumeId, nodeId: 'n@127.0.0.1', volumeCapability: BLOCK },
    ControllerModifyVolume: { volumeId, mutableParameters: { maxCloneDepth: '4' } },
    CreateSnapshot: { name: 'snap', sourceVolumeId: volumeId },
    CreateVolumeGroupSnapshot: { name: 'group', sourceVolumeIds: [volumeId] },
  };
  const answers: Answered[] = [];
  for (const [method, request] of Object.entries(requests)) {
    answers.push(await answerOf(bed.csi.call(method, request, { deadline: DEADLINE })));
  }
  return answers;
}

/** What looks at the volume, by itself or as one of all. */
async function lookAtOnce(bed: DriverBed, name: string): Promise<readonly Answered[]> {
  const volumeId = bed.handle(name);
  const requests: Readonly<Record<string, object>> = {
    ControllerGetVolume: { volumeId },
    ControllerGetVolumeHealth: { volumeId },
    ValidateVolumeCapabilities: { volumeId, volumeCapabilities: [BLOCK] },
    ListVolumes: {},
    ListSnapshots: {},
    ControllerListVolumeHealth: {},
  };
  const ask = ([method, request]: [string, object]): Promise<Answered> =>
    answerOf(bed.csi.call(method, request, { deadline: DEADLINE }));
  return await Promise.all(Object.entries(requests).map(ask));
}

async function poolOfManyGroups(ceph: MicroCeph): Promise<TestPool> {
  const pool = await ceph.freshPool('many');
  await ceph.ceph('osd', 'pool', 'set', 'many', 'pg_num', String(PGS));
  await ceph.ceph('osd', 'pool', 'set', 'many', 'pgp_num', String(PGS));
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(300)) {
    const { pg_num: groups } = Object(await ceph.cephJson('osd', 'pool', 'get', 'many', 'pg_num'));
    const { pgmap } = Object(await ceph.cephJson('status'));
    if (groups === PGS && pgmap.pgs_by_state.length === 1) return pool;
  }
  throw new Error('the pool did not get its placement groups');
}

/** A volume whose header lies in a placement group of its own: no other volume and no list of the pool needs that one. */
async function chooseVictim(pool: TestPool, names: readonly string[]): Promise<{ victim: string; group: string }> {
  const needs = new Map<string, readonly string[]>();
  for (const name of names) {
    const { id } = Object(await pool.rbdJson('info', name));
    needs.set(name, [`rbd_header.${id}`, `rbd_id.${name}`, `rbd_object_map.${id}`]);
  }
  const lists = ['rbd_directory', 'rbd_info', 'rbd_trash', 'loligo.pool', 'loligo.work', 'rbd_children'];
  const groups = new Map<string, string>();
  for (const object of [...lists, ...[...needs.values()].flat()]) {
    const { pgid } = Object(await pool.ceph.cephJson('osd', 'map', pool.name, object));
    groups.set(object, pgid);
  }
  for (const [victim, [header = '']] of needs) {
    const group = groups.get(header) ?? '';
    const others = [...groups].filter(([object, at]) => at === group && !(needs.get(victim) ?? []).includes(object));
    if (others.length === 0) return { victim, group };
  }
  throw new Error('no volume has a placement group to itself');
}

/** Sends the placement group to an OSD that was never started. */
async function stick(ceph: MicroCeph, group: string): Promise<void> {
  await ceph.ceph('osd', 'set-require-min-compat-client', 'luminous');
  await ceph.ceph('osd', 'new', randomUUID(), '1');
  // So light that no other placement group is mapped there.
  await ceph.ceph('osd', 'crush', 'add', 'osd.1', '0.00002', 'root=default', `host=${await hostOf(ceph)}`);
  await ceph.ceph('osd', 'in', '1');
  await ceph.ceph('osd', 'pg-upmap-items', group, '0', '1');
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(200)) {
    const { acting } = Object(await ceph.cephJson('pg', 'map', group));
    if (acting.length === 0 || acting[0] === 2 ** 31 - 1) return;
  }
  throw new Error(`${group} is still served: ${await ceph.ceph('pg', 'map', group)}`);
}

async function unstick(ceph: MicroCeph, group: string): Promise<void> {
  await ceph.ceph('osd', 'rm-pg-upmap-items', group);
}

async function hostOf(ceph: MicroCeph): Promise<string> {
  const { crush_location: location } = Object(await ceph.cephJson('osd', 'find', '0'));
  return location.host;
}
