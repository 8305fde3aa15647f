/** The loop around a reconciler, on a real API server: finalizers, statuses, Events, and how passes end. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../src/lib/failure.ts';
import { MIRROR_POLICIES, type MirrorPolicy } from '../../src/operator/resources/index.ts';
import {
  Controller,
  EventRecorder,
  type KubeApi,
  type Pass,
  type Reconciler,
  Reflector,
  settled,
  waiting,
} from '../../src/operator/runtime/index.ts';
import { ApiServer } from '../support/kubernetes/api-server.ts';
import { aPolicy } from '../support/kubernetes/policies.ts';
import { until } from '../support/kubernetes/waiting.ts';
import { apiBy, Notes } from './bed.ts';

let server: ApiServer;
let api: KubeApi & Disposable;

before(async () => {
  server = await ApiServer.start();
  await server.installCrds();
  api = apiBy(server.kubeconfig());
});

after(async () => {
  api?.[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
});

/** A running controller of policies whose names begin so. */
class Loop implements AsyncDisposable {
  readonly endings: string[] = [];
  readonly #reflector: Reflector<MirrorPolicy>;
  readonly #controller: Controller<MirrorPolicy>;

  constructor(prefix: string, reconciler: Partial<Reconciler<MirrorPolicy>>) {
    const log = new Notes();
    const changed = (key: string): void => void (key.startsWith(prefix) && this.#controller.changed(key));
    this.#reflector = new Reflector<MirrorPolicy>({ api, kind: MIRROR_POLICIES, changed, log });
    this.#controller = new Controller<MirrorPolicy>({
      api,
      kind: MIRROR_POLICIES,
      objects: this.#reflector,
      reconciler: { reconcile: () => Promise.resolve(settled()), retire: () => Promise.resolve(settled()), ...reconciler },
      finalizer: 'loligo.dev/test',
      events: new EventRecorder(api, { component: 'test', host: 'here' }, log),
      log,
      workers: 2,
      passed: (ending) => void this.endings.push(ending),
    });
    this.#reflector.start();
    this.#controller.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#controller.stop();
    await this.#reflector.stop();
  }
}

async function get(name: string): Promise<MirrorPolicy> {
  return await api.get<MirrorPolicy>(MIRROR_POLICIES, { namespace: '', name });
}

test('a status is written once for what a pass found, and not again while that stays', async () => {
  let passes = 0;
  await using _loop = new Loop('once', {
    reconcile: (_, pass: Pass) => {
      passes += 1;
      pass.report({ phase: 'Steady', conditions: [{ type: 'PeerReady', status: 'True', reason: 'Ready', message: '' }] });
      return Promise.resolve(waiting(0.1));
    },
  });
  await server.apply(aPolicy('once'));
  await until(() => passes > 3, { what: 'some passes', interval: 50 });
  const before = await get('once');

  await until(() => passes > 12, { what: 'more passes', interval: 50 });
  const afterwards = await get('once');

  assert.equal(afterwards.metadata.resourceVersion, before.metadata.resourceVersion);
  assert.equal(afterwards.status?.observedGeneration, 1);
  assert.deepEqual(
    afterwards.status?.conditions?.map(({ type, status, reason }) => [type, status, reason]),
    [
      ['PeerReady', 'True', 'Ready'],
      ['Reconciled', 'True', 'Done'],
    ],
  );
});

test('a pass that fails keeps what it had found, says why, and is tried again later and later', async () => {
  const at: number[] = [];
  await using loop = new Loop('fails', {
    reconcile: (_, pass: Pass) => {
      at.push(performance.now());
      pass.report({ phase: 'Degraded' });
      return Promise.reject(new Failure('unreachable', 'MONITORS_SILENT', 'no monitor answered'));
    },
  });
  await server.apply(aPolicy('fails'));

  await until(() => at.length >= 4, { what: 'four passes', interval: 50 });
  const { status } = await get('fails');
  const events = await until(
    async () =>
      JSON.parse(await server.kubectl('get', 'events', '--output', 'json')).items.filter(
        (event: { involvedObject: { name: string } }) => event.involvedObject.name === 'fails',
      ),
    { what: 'an Event' },
  );

  assert.equal(status?.phase, 'Degraded');
  const said = status?.conditions?.find(({ type }) => type === 'Reconciled');
  assert.deepEqual([said?.status, said?.reason, said?.message], ['False', 'MonitorsSilent', 'no monitor answered']);
  assert.equal(events.length, 1);
  assert.deepEqual([events[0].type, events[0].reason], ['Warning', 'MonitorsSilent']);
  assert.equal(loop.endings[0], 'unreachable');
  // The first waits are those between 1 and 2 (the write of the status is a change that comes first), and so on.
  const [first = 0, , , last = 0] = at;
  assert.ok(last - first > 500);
});

test('what cannot be until the object changes is left alone until it does', async () => {
  const seen: number[] = [];
  await using _loop = new Loop('invalid', {
    reconcile: ({ spec }) => {
      seen.push(spec.epoch);
      return Promise.reject(new Failure('invalid', 'SPEC_WRONG', 'no'));
    },
  });
  await server.apply(aPolicy('invalid'));
  await until(() => seen.length > 0, { what: 'a pass', interval: 50 });
  await sleep(2000);
  const passes = seen.length;

  await sleep(1500);
  assert.equal(seen.length, passes);
  await server.kubectl('patch', 'mp', 'invalid', '--type=merge', '--patch', '{"spec":{"epoch":2}}');

  await until(() => seen.at(-1) === 2, { what: 'a pass over the change', interval: 50 });
});

test('an object that goes is retired first, and goes only when that is done', async () => {
  let allowed = false;
  await using _loop = new Loop('goes', { retire: () => Promise.resolve(allowed ? settled() : waiting(0.2)) });
  await server.apply(aPolicy('goes'));
  await until(async () => (await get('goes')).metadata.finalizers?.includes('loligo.dev/test'), { what: 'the finalizer' });

  await server.kubectl('delete', 'mp', 'goes', '--wait=false');
  await sleep(1500);
  const held = (await get('goes')).metadata.deletionTimestamp;
  allowed = true;

  await until(async () => (await api.find(MIRROR_POLICIES, { namespace: '', name: 'goes' })) === undefined, { what: 'it is gone' });
  assert.notEqual(held, undefined);
});

test('one object is never worked on twice at once, however often it changes', async () => {
  let [working, most, passes] = [0, 0, 0];
  await using _loop = new Loop('alone', {
    reconcile: async () => {
      working += 1;
      most = Math.max(most, working);
      passes += 1;
      await sleep(200);
      working -= 1;
      return settled();
    },
  });
  await server.apply(aPolicy('alone'));

  for (let epoch = 2; epoch < 12; epoch += 1) {
    await server.kubectl('patch', 'mp', 'alone', '--type=merge', '--patch', JSON.stringify({ spec: { epoch } }));
  }
  await until(async () => (await get('alone')).status?.observedGeneration === 11, { what: 'the last change was worked on' });

  assert.equal(most, 1);
  assert.ok(passes < 24, `${passes} passes`);
});
