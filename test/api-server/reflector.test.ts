/** The copy of a kind's objects, on a real API server that is cut off, restarted, and forgets. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inParallel } from '../../src/lib/in-parallel.ts';
import type { KubeApi } from '../../src/operator/runtime/index.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { ApiServer } from '../support/kubernetes/api-server.ts';
import { apiBy, CONFIG_MAPS, Copy, configMap, ownLabel } from './bed.ts';

const MANY = 5000;

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

test('what is made, changed and removed is so in the copy, and each key is named', async () => {
  const { label, selector } = ownLabel();
  await direct.create(CONFIG_MAPS, configMap('first', '1', label));
  await using copy = new Copy(direct, selector);
  await copy.reflector.synced;

  await direct.create(CONFIG_MAPS, configMap('second', '2', label));
  await direct.merge(CONFIG_MAPS, { namespace: 'default', name: 'first' }, { data: { value: '3' } });
  await copy.untilIs('first', '3');
  await direct.drop(CONFIG_MAPS, { namespace: 'default', name: 'second' });
  await copy.untilIs('second', undefined);

  assert.deepEqual(copy.changes, ['default/first', 'default/second', 'default/first', 'default/second']);
});

test('a cut connection costs nothing: the watch goes on where it was, without another list', async () => {
  const { label, selector } = ownLabel();
  await using proxy = await CuttingProxy.to(server.port);
  using api = apiBy(server.kubeconfig(proxy.port));
  await direct.create(CONFIG_MAPS, configMap('cut', '0', label));
  await using copy = new Copy(api, selector);
  await copy.reflector.synced;

  for (const round of ['1', '2', '3']) {
    proxy.cut();
    await direct.merge(CONFIG_MAPS, { namespace: 'default', name: 'cut' }, { data: { value: round } });
    await copy.untilIs('cut', round);
  }

  // One change each: a list would have named it a second time.
  assert.equal(copy.changes.length, 4);
});

test('what happened while nothing could be reached is found afterwards, removals included', async () => {
  const { label, selector } = ownLabel();
  await using proxy = await CuttingProxy.to(server.port);
  using api = apiBy(server.kubeconfig(proxy.port));
  for (const name of ['gone', 'kept']) await direct.create(CONFIG_MAPS, configMap(name, '0', label));
  await using copy = new Copy(api, selector);
  await copy.reflector.synced;

  proxy.refuse();
  await direct.drop(CONFIG_MAPS, { namespace: 'default', name: 'gone' });
  await direct.merge(CONFIG_MAPS, { namespace: 'default', name: 'kept' }, { data: { value: '1' } });
  await sleep(3000);
  assert.equal(copy.value('kept'), '0');
  proxy.heal();

  await copy.untilIs('kept', '1');
  await copy.untilIs('gone', undefined);
});

test('a version that the server has forgotten (410) leads to a new list', async () => {
  const { label, selector } = ownLabel();
  await using proxy = await CuttingProxy.to(server.port);
  using api = apiBy(server.kubeconfig(proxy.port));
  await direct.create(CONFIG_MAPS, configMap('old', '0', label));
  await direct.create(CONFIG_MAPS, configMap('lost', '0', label));
  await using copy = new Copy(api, selector);
  await copy.reflector.synced;
  // What a copy that was away for hours comes back to.
  proxy.refuse();
  await direct.merge(CONFIG_MAPS, { namespace: 'default', name: 'old' }, { data: { value: '1' } });
  await direct.drop(CONFIG_MAPS, { namespace: 'default', name: 'lost' });
  for (let change = 0; change < 20; change += 1) {
    await direct.merge(CONFIG_MAPS, { namespace: 'default', name: 'old' }, { data: { value: `${change}` } });
  }

  await server.compact();
  await server.kill();
  await server.up();
  proxy.heal();
  await copy.untilIs('old', '19');
  await copy.untilIs('lost', undefined);

  assert.ok(copy.statuses().includes(410), `failures were ${JSON.stringify(copy.statuses())}`);
});

test('an API server that crashes and comes back is followed again', async () => {
  const { label, selector } = ownLabel();
  await direct.create(CONFIG_MAPS, configMap('survivor', '0', label));
  await using copy = new Copy(direct, selector);
  await copy.reflector.synced;

  for (const round of ['1', '2']) {
    await server.kill();
    await sleep(1000);
    await server.up();
    await direct.merge(CONFIG_MAPS, { namespace: 'default', name: 'survivor' }, { data: { value: round } });
    await copy.untilIs('survivor', round, 40_000);
  }
});

test(`${MANY} objects are listed by pages and followed`, async (t) => {
  const { label, selector } = ownLabel();
  const names = Array.from({ length: MANY }, (_, index) => `many-${index}`);
  await inParallel(names, 16, async (name) => {
    await direct.create(CONFIG_MAPS, configMap(name, 'x'.repeat(1000), label));
  });
  globalThis.gc?.();
  const rss = process.memoryUsage().rss;
  const begun = performance.now();

  await using copy = new Copy(direct, selector);
  await copy.reflector.synced;
  const listed = performance.now() - begun;
  const grown = (process.memoryUsage().rss - rss) / 2 ** 20;
  const changing = performance.now();
  await inParallel(names.slice(0, 500), 16, async (name) => {
    await direct.merge(CONFIG_MAPS, { namespace: 'default', name }, { data: { value: 'y' } });
  });
  for (const name of names.slice(0, 500)) await copy.untilIs(name, 'y');

  t.diagnostic(
    `${MANY} objects of 1 KB: listed in ${listed.toFixed(0)} ms, ${grown.toFixed(0)} MB more; ` +
      `500 changes made and seen in ${(performance.now() - changing).toFixed(0)} ms`,
  );
  assert.equal(copy.reflector.size, MANY);
  assert.ok(listed < 20_000);
  assert.ok(grown < 120);
});
