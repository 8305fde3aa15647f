import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Driver } from '../support/driver.ts';
import { anEntry, answerOf, aVolumeIn, isNotFinal } from '../support/driver-bed.ts';
import { sessionsOf } from '../support/mon-sessions.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

test('a cold driver hit by 200 requests opens one connection for them, and one for housekeeping', async () => {
  await using pool = await sharedCeph().freshNamespace();
  const entry = await anEntry(pool.ceph);
  await using driver = await Driver.start({ role: 'controller', clusters: { cold: entry } });
  const requests = Array.from({ length: 200 }, (_, index) => ({ name: `v${index}`, ...aVolumeIn('cold', pool) }));

  const seen = countConnections(driver, entry.user);
  const answers = await Promise.all(requests.map((request) => answerOf(driver.csi.call('CreateVolume', request))));
  const { agents, sessions } = await seen.end();

  assert.deepEqual(
    answers.filter(({ status }) => status !== 'OK' && !isNotFinal(status)),
    [],
  );
  assert.ok(answers.filter(({ status }) => status === 'OK').length >= 150);
  assert.ok(sessions >= 1 && sessions <= 2, `${sessions} connections`);
  assert.ok(agents >= 1 && agents <= 2, `${agents} agents`);
  await pool.ceph.ceph('auth', 'rm', `client.${entry.user}`);
});

/** The most agents and connections that were there at one time. */
function countConnections(driver: Driver, user: string): { end(): Promise<{ agents: number; sessions: number }> } {
  const most = { agents: 0, sessions: 0 };
  let over = false;
  const look = async (): Promise<void> => {
    most.agents = Math.max(most.agents, driver.agents().length);
    most.sessions = Math.max(most.sessions, (await sessionsOf(sharedCeph(), user)).length);
  };
  const looking = (async () => {
    for (; !over; await sleep(100)) await look();
    await look();
  })();
  return {
    end: async () => {
      over = true;
      await looking;
      return most;
    },
  };
}
