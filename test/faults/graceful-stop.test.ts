/** SIGTERM in the middle of calls: they are answered, nothing new is taken, and nothing of the driver stays. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Driver } from '../support/driver.ts';
import { type Answered, anEntry, answerOf, aVolumeIn } from '../support/driver-bed.ts';
import { sessionsOf } from '../support/mon-sessions.ts';
import { processIdentity } from '../support/process-identity.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const CALLS = 60;

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} in the middle of ${CALLS} calls: each is done and answered, the exit code is 0, no agent stays`, async (t) => {
    await using pool = await sharedCeph().freshNamespace();
    const entry = await anEntry(pool.ceph);
    await using driver = await Driver.start({ role: 'controller', clusters: { c: entry } });
    const volume = aVolumeIn('c', pool);
    await driver.csi.call('CreateVolume', { name: 'first', ...volume });
    const agents = driver.agents().map((pid) => processIdentity(pid));
    const names = Array.from({ length: CALLS }, (_, index) => `v${index}`);

    const answers: Answered[] = [];
    const asked = names.map(async (name) => {
      const answer = await answerOf(driver.csi.call('CreateVolume', { name, ...volume }));
      answers.push(answer);
    });
    await untilInProgress(driver);
    const early = answers.length;
    driver.signal(signal);
    const code = await driver.exitCode();
    await Promise.all(asked);
    const late = await answerOf(driver.csi.call('GetPluginInfo', {}, { deadline: 2000 }));

    t.diagnostic(`${early} of ${CALLS} were answered before the signal`);
    assert.ok(early < CALLS, 'the signal came too late: the test does not test');
    assert.deepEqual(
      answers.filter(({ status }) => status !== 'OK'),
      [],
    );
    assert.deepEqual(await pool.images(), ['first', ...names].sort());
    assert.equal(code, 0, driver.log());
    assert.equal(late.status, 'UNAVAILABLE', late.details);
    assert.ok(agents.length > 0);
    for (const agent of agents) assert.equal(processIdentity(Number(agent?.split('/')[0])) === agent, false, `agent ${agent} runs`);
    assert.deepEqual(await sessionsOf(pool.ceph, entry.user), []);
    assert.ok(!existsSync(join(driver.dir, 'csi.sock')));
    assert.match(driver.log(), /"msg":"stopped"/);
    await pool.ceph.ceph('auth', 'rm', `client.${entry.user}`);
  });
}

/** Until the driver has taken calls that it has not answered: its agents have made something of them. */
async function untilInProgress(driver: Driver): Promise<void> {
  for (const end = Date.now() + 20_000; !driver.log().includes('"name":"v'); await sleep(2)) {
    assert.ok(Date.now() < end, 'no call was answered');
  }
}
