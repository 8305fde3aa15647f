/** Many claims at once, with pods on some of them: how long it takes, what it needs, and that nothing goes wrong. */
import assert from 'node:assert/strict';
import { before, type TestContext, test } from 'node:test';
import { containerProcesses, memoryOf } from '../support/kubernetes/container-processes.ts';
import type { KubeObject } from '../support/kubernetes/kube.ts';
import { Loligo } from '../support/kubernetes/loligo.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { PhaseTimes } from '../support/kubernetes/phase-times.ts';
import { sharedKube } from '../support/kubernetes/shared-kube.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';

const SOAK = process.env['LOLIGO_SOAK'] === '1';
const CLAIMS = SOAK ? 200 : 50;
const PODS = SOAK ? 50 : 10;
const PATIENCE = SOAK ? 900_000 : 300_000; // milliseconds
const LIMITS = { controller: 250, node: 120 } as const; // MiB, a pod
/** What the bed and the scheduler say while all is well: there is no DNS here, and a pod waits for its claim. */
const EXPECTED_WARNINGS = new Set(['MissingClusterDNS', 'FailedScheduling']);
/** The API server's node authorizer has not seen yet that the pod was given to the node; kubelet asks again. */
const AUTHORIZER_LATE = /no relationship found between node/;

const kube = sharedKube();
let loligo: Loligo;

before(async () => {
  loligo = await Loligo.install(kube);
});

interface Event extends KubeObject {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** The most that any pod of a part has needed since it was first asked, in MiB. */
class Memory {
  readonly #most = new Map<string, number>();

  async look(): Promise<void> {
    const all = await containerProcesses(kube, loligo.namespace);
    for (const [part, processes] of Map.groupBy(
      all,
      ({ component, container, pod: name }) => `${partOf(component, container)} ${name}`,
    )) {
      const [name = ''] = part.split(' ');
      this.#most.set(name, Math.max(this.#most.get(name) ?? 0, memoryOf(processes)));
    }
  }

  most(part: string): number {
    return this.#most.get(part) ?? Number.NaN;
  }
}

/** The sidecars of the controller are not ours; those of the node count, for they run on each node. */
function partOf(component: string, container: string): string {
  return component === 'controller' && container !== 'driver' ? 'sidecars' : component;
}

function percentiles(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => ((sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN) / 1000).toFixed(1);
  return `p50 ${at(0.5)} s, p99 ${at(0.99)} s`;
}

async function untilReached(t: TestContext, { times, phase, count, namespace, memory }: Wait): Promise<void> {
  const look = async (): Promise<boolean> => {
    await memory.look();
    return times.reached(phase).length >= count;
  };
  await namespace.until(look, { what: `${count} objects are ${phase}`, timeout: PATIENCE, interval: 1000 });
  t.diagnostic(`${count} are ${phase}`);
}

interface Wait {
  readonly times: PhaseTimes;
  readonly phase: string;
  readonly count: number;
  readonly namespace: TestNamespace;
  readonly memory: Memory;
}

test(`${CLAIMS} claims at once, ${PODS} of them with pods: all come about, in bounded memory, and no Event is an error`, {
  timeout: 3 * PATIENCE,
}, async (t) => {
  await using namespace = await kube.freshNamespace();
  const memory = new Memory();
  using claims = new PhaseTimes(namespace, 'pvc');
  using pods = new PhaseTimes(namespace, 'pods');
  const names = Array.from({ length: CLAIMS }, (_, index) => `volume-${index}`);
  const users = names.slice(0, PODS);

  await namespace.apply([
    ...names.map((name) => claim(name, { size: '32Mi' })),
    ...users.map((name) => pod(name, { claims: { '/data': name } })),
  ]);
  await untilReached(t, { times: claims, phase: 'Bound', count: CLAIMS, namespace, memory });
  await untilReached(t, { times: pods, phase: 'Running', count: PODS, namespace, memory });
  for (const name of users) await namespace.exec(name, 'sh', '-c', `echo ${name} > /data/file && sync`);
  await memory.look();

  t.diagnostic(`PVC to Bound: ${percentiles(names.map((name) => claims.time(name, 'Bound') - claims.time(name)))}`);
  t.diagnostic(`PVC to Running: ${percentiles(users.map((name) => pods.time(name, 'Running') - claims.time(name)))}`);
  for (const part of ['controller', 'node', 'mapper', 'sidecars'])
    t.diagnostic(`memory of a pod's ${part}: ${memory.most(part).toFixed(0)} MiB at most`);
  assert.equal((await loligo.pool.images()).length, CLAIMS);
  const events = await namespace.list<Event>('events');
  const errors = events.filter(
    ({ type, reason, message }) => type !== 'Normal' && !EXPECTED_WARNINGS.has(reason) && !AUTHORIZER_LATE.test(message),
  );
  assert.deepEqual(
    errors.map(({ reason, message }) => `${reason}: ${message}`),
    [],
  );
  for (const [part, limit] of Object.entries(LIMITS)) assert.ok(memory.most(part) < limit, `${part}: ${memory.most(part)} MiB`);

  await namespace.kubectl('delete', 'pods', '--all', '--wait=false');
  await namespace.until(async () => (await namespace.list('pods')).length === 0, { what: 'all pods are gone', timeout: PATIENCE });
  await namespace.kubectl('delete', 'pvc', '--all', '--wait=false');
  const empty = async (): Promise<boolean> => (await loligo.pool.images()).length === 0;
  await namespace.until(empty, { what: 'all images are gone', timeout: PATIENCE, interval: 1000 });
  await loligo.untilEmpty();
});
