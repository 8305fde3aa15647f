/** One of several works, by a Lease on a real API server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeApi, Leader, type LeaseTimes } from '../../src/operator/runtime/index.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { ApiServer } from '../support/kubernetes/api-server.ts';
import { apiBy, Notes } from './bed.ts';

const QUICK: LeaseTimes = { valid: 3000, renewWithin: 2000, every: 300 };

let server: ApiServer;
let direct: KubeApi & Disposable;

before(async () => {
  server = await ApiServer.start();
  direct = apiBy(server.kubeconfig());
});

after(async () => {
  direct?.[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
});

function leader(name: string, identity: string, api: KubeApi = direct): Leader {
  return new Leader({ api, lease: { namespace: 'default', name }, identity, log: new Notes(), times: QUICK });
}

test('of two one leads; when it stops the other takes over at once', async () => {
  const [one, two] = [leader('handed', 'one'), leader('handed', 'two')];
  assert.equal(await one.take(), true);
  const taken = two.take();
  await sleep(1500);
  const meanwhile = [one.holds, two.holds];

  const begun = performance.now();
  await one.stop();
  assert.equal(await taken, true);
  const waited = performance.now() - begun;

  assert.deepEqual(meanwhile, [true, false]);
  assert.ok(waited < 2500, `${waited} ms`);
  const lease = JSON.parse(await server.kubectl('get', 'lease', 'handed', '--output', 'json'));
  assert.deepEqual([lease.spec.holderIdentity, lease.spec.leaseTransitions], ['two', 1]);
  await two.stop();
});

test('a leader that is cut off gives up before another may begin', async () => {
  await using proxy = await CuttingProxy.to(server.port);
  using cut = apiBy(server.kubeconfig(proxy.port));
  const [one, two] = [leader('cut', 'one', cut), leader('cut', 'two')];
  await one.take();
  const taken = two.take();

  proxy.silence();
  await one.lost;
  const held = [one.holds, two.holds];
  await taken;

  assert.deepEqual(held, [false, false]);
  await one.stop();
  await two.stop();
});

test('who finds its Lease taken by another stops', async () => {
  const one = leader('stolen', 'one');
  await one.take();

  await server.kubectl('patch', 'lease', 'stolen', '--type=merge', '--patch', '{"spec":{"holderIdentity":"thief"}}');
  await one.lost;

  assert.equal(one.holds, false);
  await one.stop();
});

test('an API server that restarts costs no leader its office', async () => {
  const one = leader('restart', 'one');
  await one.take();
  let lost = false;
  void one.lost.then(() => {
    lost = true;
  });

  await server.kill();
  await sleep(300);
  await server.up();
  // Longer than the restart takes here would be a loss, and rightly so.
  await sleep(1000);

  assert.ok(one.holds || lost);
  await one.stop();
});
