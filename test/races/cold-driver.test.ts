import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Driver } from '../support/driver.ts';
import { type Answered, anEntry, answerOf, aVolumeIn, isNotFinal, untilOk } from '../support/driver-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sessionsOf } from '../support/mon-sessions.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

test('a cold driver hit by 200 requests serves them all over one connection; another one is for housekeeping', async (t) => {
  await using pool = await sharedCeph().freshNamespace();
  const entry = await anEntry(pool.ceph);
  await using driver = await Driver.start({ role: 'controller', clusters: { cold: entry } });
  const requests = Array.from({ length: 200 }, (_, index) => ({ name: `v${index}`, ...aVolumeIn('cold', pool) }));
  const since = await pool.ceph.recordOps(20_000);

  const seen = countConnections(driver, entry.user);
  const first: Answered[] = [];
  const made = await Promise.all(
    requests.map((request) =>
      untilOk(async () => {
        const asked = driver.csi.call('CreateVolume', request);
        first.push(await answerOf(asked));
        return await asked;
      }),
    ),
  );
  const makers = await makersOfImages(pool, since);
  const { agents, sessions } = await seen.end();

  assert.deepEqual(
    made.map(({ volume }) => volume.volumeId),
    requests.map(({ name }) => `cold/${pool.spec}/${name}`),
  );
  assert.deepEqual((await pool.images()).sort(), requests.map(({ name }) => name).sort());
  assert.deepEqual(
    first.filter(({ status }) => status !== 'OK' && !isNotFinal(status)),
    [],
  );
  t.diagnostic(`${makers.images} of 200 creations seen at the OSD`);
  assert.equal(makers.clients, 1, 'one connection serves');
  // Long work has an agent of its own, for its calls have no deadline: the reaper's first round, 0.2 s after the start, starts it
  // once it has found a place. That is the second connection, and it makes no image.
  assert.ok(sessions >= 1 && sessions <= 2, `${sessions} connections`);
  assert.ok(agents >= 1 && agents <= 2, `${agents} agents`);
  await pool.ceph.ceph('auth', 'rm', `client.${entry.user}`);
});

/** Who made images in the namespace, by what the OSD remembers of its operations: of many at once only a part. */
async function makersOfImages(pool: TestPool, since: Date): Promise<{ clients: number; images: number }> {
  const ops = await pool.ceph.historicOps(since);
  const adding = ops.filter(({ description }) => description.includes(pool.namespace) && description.includes('dir_add_image'));
  const clients = adding.map(({ description }) => /\bclient\.\d+/.exec(description)?.[0]);
  return { clients: new Set(clients).size, images: adding.length };
}

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
