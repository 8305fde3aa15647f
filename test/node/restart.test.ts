/** The node role is killed; what it was doing is finished by the next one, and who writes to a volume notices nothing. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { publish, stage, unpublish, unstage, volumeHealth } from '#node';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aScope, NodeBed } from './node-bed.ts';
import type { Order } from './node-role.ts';

/** Starts a node role on an order; resolves when it says the word. */
async function nodeRole(order: Order, word: 'began' | 'done'): Promise<ChildProcess> {
  const role = spawn(process.execPath, [join(import.meta.dirname, 'node-role.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  role.stdin.end(JSON.stringify(order));
  for await (const chunk of role.stdout) if (String(chunk).includes(word)) return role;
  throw new Error('the node role ended before its time');
}

async function killed(role: ChildProcess): Promise<void> {
  role.kill('SIGKILL');
  if (role.exitCode === null && role.signalCode === null) await once(role, 'exit');
}

test('a program that writes to a volume does not notice that the node role is killed and started again', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = await bed.image('v');
  const published = bed.publishSpec(spec, 'pod');
  const role = await nodeRole({ stateDir: bed.host.stateDir, act: 'stage', stage: spec, publish: published }, 'done');
  const args = ['--name=w', `--directory=${bed.path('pod')}`, '--rw=randwrite', '--bs=16k', '--size=64m', '--direct=1'];
  const writer = runProgram('fio', [...args, '--time_based', '--runtime=4', '--output-format=json']);

  await sleep(1000);
  await killed(role);
  await stage(bed.host, spec, aScope()); // As the next one is asked to by a kubelet that lost the answer.
  await publish(bed.host, published, aScope());
  const report = JSON.parse(await writer) as { jobs: { error: number; write: { total_ios: number } }[] }; // fio's form
  const health = await volumeHealth(bed.host, spec.volume);
  await unpublish(bed.host, { volume: spec.volume, target: published.target.path }, aScope());
  await unstage(bed.host, spec, aScope());

  assert.equal(report.jobs[0]?.error, 0);
  assert.ok((report.jobs[0]?.write.total_ios ?? 0) > 100);
  assert.deepEqual(health, []);
  assert.deepEqual(bed.leftovers(), []);
});

// Staging a new volume takes about 300 ms here, unstaging 150: the points fall into every step of both.
const POINTS = [0, 15, 30, 45, 60, 80, 100, 130, 160, 200, 250, 300] as const;

test('staging that is killed at any moment is finished by the next call', async (t) => {
  await using bed = await NodeBed.open(sharedCeph());
  for (const after of POINTS) {
    await t.test(`killed after ${after} ms`, async () => {
      const spec = { ...(await bed.image(`v${after}`)), fsType: after % 2 === 0 ? ('ext4' as const) : ('xfs' as const) };
      const role = await nodeRole({ stateDir: bed.host.stateDir, act: 'stage', stage: spec, publish: undefined }, 'began');
      await sleep(after);
      await killed(role);

      await stage(bed.host, spec, aScope());

      writeFileSync(`${spec.stagingPath}/file`, 'kept');
      assert.deepEqual(await volumeHealth(bed.host, spec.volume), []);
      await unstage(bed.host, spec, aScope());
      assert.deepEqual(bed.leftovers(), []);
    });
  }
});

test('staging that is killed at any moment is undone by unstaging, and the volume can be used again', async (t) => {
  await using bed = await NodeBed.open(sharedCeph());
  for (const after of POINTS.filter((_, index) => index % 2 === 0)) {
    await t.test(`killed after ${after} ms`, async () => {
      const spec = await bed.image(`v${after}`);
      const role = await nodeRole({ stateDir: bed.host.stateDir, act: 'stage', stage: spec, publish: undefined }, 'began');
      await sleep(after);
      await killed(role);

      await unstage(bed.host, spec, aScope());

      assert.deepEqual(bed.leftovers(), []);
      await stage(bed.host, spec, aScope()); // As another node would: nothing is known of the first attempt.
      await unstage(bed.host, spec, aScope());
    });
  }
});

test('unstaging that is killed at any moment is finished by the next call', async (t) => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = await bed.image('v');
  for (const after of POINTS.filter((point) => point <= 200)) {
    await t.test(`killed after ${after} ms`, async () => {
      await stage(bed.host, spec, aScope());
      writeFileSync(`${spec.stagingPath}/file`, `kept ${after}`);
      const role = await nodeRole({ stateDir: bed.host.stateDir, act: 'unstage', stage: spec, publish: undefined }, 'began');
      await sleep(after);
      await killed(role);

      await unstage(bed.host, spec, aScope());

      assert.deepEqual(bed.leftovers(), []);
      await stage(bed.host, spec, aScope());
      assert.equal(readFileSync(`${spec.stagingPath}/file`, 'utf8'), `kept ${after}`);
    });
  }
});
