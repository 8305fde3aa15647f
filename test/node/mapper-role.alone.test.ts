/**
 * The mapper role keeps what carries I/O, while node roles come and go in namespaces of their own. Alone, for such a namespace
 * begins with a copy of all mounts: a volume of another test that is in it cannot be unstaged as long as it is there.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { stage, unstage, volumeHealth } from '#node';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aScope, hostAt, NodeBed } from './node-bed.ts';
import { RolePods } from './role-pods.ts';

test('a program that writes does not notice that the node role is killed and another one takes over', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  await using pods = await RolePods.open(bed);
  await pods.mapper();
  const spec = await bed.image('v');
  const order = { stage: spec, publish: bed.publishSpec(spec, 'pod') };
  const first = await pods.node({ ...order, act: 'stage' });
  const args = ['--name=w', `--directory=${bed.path('pod')}`, '--rw=randwrite', '--bs=16k', '--size=64m', '--direct=1'];
  const writer = runProgram('fio', [...args, '--time_based', '--runtime=6', '--output-format=json']);

  await sleep(1000);
  await pods.kill(first);
  const second = await pods.node({ ...order, act: 'stage' }); // As a kubelet asks that lost the answer.
  const health = await volumeHealth(hostAt(bed.host.stateDir, pods.socket), spec.volume);
  await pods.kill(second);
  const report = JSON.parse(await writer) as { jobs: { error: number; write: { total_ios: number } }[] }; // fio's form
  const third = await pods.node({ ...order, act: 'unstage' });
  await pods.kill(third);

  assert.equal(report.jobs[0]?.error, 0);
  assert.ok((report.jobs[0]?.write.total_ios ?? 0) > 100);
  assert.deepEqual(health, []);
  assert.deepEqual(pods.loops(), []);
  assert.deepEqual(bed.leftovers(), []);
});

test('with its mapper role gone a volume is dead and says so; staging again maps it anew', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  await using pods = await RolePods.open(bed);
  const host = hostAt(bed.host.stateDir, pods.socket);
  const mapper = await pods.mapper();
  const spec = await bed.image('v');
  const first = await pods.node({ act: 'stage', stage: spec, publish: undefined });
  writeFileSync(`${spec.stagingPath}/file`, 'kept');
  await runProgram('sync', ['--file-system', spec.stagingPath]);
  await pods.kill(first);

  await pods.kill(mapper);
  const health = await volumeHealth(host, spec.volume);
  const refused = await stage(host, spec, aScope()).catch((error: unknown) => error);
  await pods.mapper();
  const second = await pods.node({ act: 'stage', stage: spec, publish: undefined });
  const content = readFileSync(`${spec.stagingPath}/file`, 'utf8');
  const anew = await volumeHealth(host, spec.volume);
  await pods.kill(second);
  await pods.kill(await pods.node({ act: 'unstage', stage: spec, publish: undefined }));

  assert.deepEqual(
    health?.map(({ status, reason }) => ({ status, reason })),
    [{ status: 'inaccessible', reason: 'MapperEnded' }],
  );
  assert.ok(refused instanceof Failure && refused.kind === 'unfinished' && refused.reason === 'MAPPER_SILENT');
  assert.equal(content, 'kept');
  assert.deepEqual(anew, []);
  assert.deepEqual(pods.loops(), []);
  assert.deepEqual(bed.leftovers(), []);
});

test('a dead volume is unstaged without any mapper role', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  await using pods = await RolePods.open(bed);
  const host = hostAt(bed.host.stateDir, pods.socket);
  const mapper = await pods.mapper();
  const spec = await bed.image('v');
  await pods.kill(await pods.node({ act: 'stage', stage: spec, publish: undefined }));
  await pods.kill(mapper);

  await unstage(host, spec, aScope());

  assert.ok(!existsSync(`${spec.stagingPath}/lost+found`));
  assert.deepEqual(pods.loops(), []);
  assert.deepEqual(bed.leftovers(), []);
});

test('a mapper role that is stopped leaves the volumes alone where its PID namespace goes on', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  await using pods = await RolePods.open(bed);
  const host = hostAt(bed.host.stateDir, pods.socket);
  const spec = await bed.image('v');
  const mapper = await pods.mapper('host');
  await stage(host, spec, aScope());

  mapper.kill('SIGTERM');
  const [exitCode] = await once(mapper, 'exit');
  const socketThere = existsSync(pods.socket);
  const health = await volumeHealth(host, spec.volume);
  await unstage(host, spec, aScope());

  assert.equal(exitCode, 0);
  assert.ok(!socketThere);
  assert.deepEqual(health, []);
  assert.deepEqual(bed.leftovers(), []);
});
