/** The controller's pods killed in the middle of their work: the work gets done, and nothing is left of what was begun. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { containerProcesses } from '../support/kubernetes/container-processes.ts';
import type { KubeObject } from '../support/kubernetes/kube.ts';
import { Loligo } from '../support/kubernetes/loligo.ts';
import { claim } from '../support/kubernetes/objects.ts';
import { sharedKube } from '../support/kubernetes/shared-kube.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';
import { processIdentity, signalProcess } from '../support/process-identity.ts';

const CLAIMS = 100;
/** What a killed driver left half-deleted is left alone as long as that driver might still live: `driver.creatorLifetime`, 120 s. */
const HALF_DELETED = 240_000; // milliseconds

const kube = sharedKube();
let loligo: Loligo;

before(async () => {
  loligo = await Loligo.install(kube);
});

interface Claim extends KubeObject {
  readonly spec: { readonly volumeName?: string };
  readonly status: { readonly phase?: string };
}

async function bound(namespace: TestNamespace): Promise<readonly string[]> {
  const claims = await namespace.list<Claim>('pvc');
  return claims.filter(({ status }) => status.phase === 'Bound').map(({ spec }) => spec.volumeName ?? '');
}

function untilBound(namespace: TestNamespace, count: number): Promise<true> {
  const enough = async (): Promise<boolean> => (await bound(namespace)).length >= count;
  return namespace.until(enough, { what: `${count} claims are bound`, timeout: 240_000 });
}

/** Asked of Ceph, which answers sooner than the API server. */
function untilMade(count: number): Promise<true> {
  const enough = async (): Promise<boolean> => (await loligo.pool.images()).length >= count;
  return kube.until(enough, { what: `${count} images are there`, timeout: 240_000, interval: 20 });
}

/** Identities of the driver and its agents in both replicas. */
async function drivers(): Promise<readonly string[]> {
  const all = await containerProcesses(kube, loligo.namespace);
  return all
    .filter(({ component, container }) => component === 'controller' && container === 'driver')
    .flatMap(({ pid }) => processIdentity(pid) ?? []);
}

/** Their containers are started again. Agents end with their driver, and may have ended by themselves. */
function kill(processes: readonly string[]): void {
  for (const identity of processes) signalProcess(identity, 'SIGKILL');
}

/** Both pods gone at once, without a word to what runs in them. */
async function deletePods(): Promise<void> {
  const pods = await loligo.pods('controller');
  await kube.kubectl('delete', 'pods', '--namespace', loligo.namespace, ...pods, '--grace-period=0', '--force');
}

test('100 claims are bound, though drivers and pods are killed meanwhile, and no image is left when they are deleted', {
  timeout: 600_000,
}, async (t) => {
  await using namespace = await kube.freshNamespace();
  const first = await drivers();
  await namespace.apply(Array.from({ length: CLAIMS }, (_, index) => claim(`claim-${index}`)));

  await untilMade(CLAIMS / 10);
  kill(first);
  const images = (await loligo.pool.images()).length;
  await untilMade(Math.min(images + 1, CLAIMS));
  await deletePods();
  const atDelete = (await bound(namespace)).length;
  await untilBound(namespace, CLAIMS);

  t.diagnostic(`${first.length} processes killed with ${images} images; pods deleted with ${atDelete} claims bound`);
  assert.ok(images < CLAIMS, 'all was over before anything was killed: the test does not test');
  const volumes = await kube.list<Claim>('pv');
  assert.deepEqual(volumes.map(({ metadata }) => metadata.name).toSorted(), [...(await bound(namespace))].toSorted());
  assert.deepEqual((await loligo.pool.images()).toSorted(), volumes.map(({ metadata }) => metadata.name).toSorted());

  const second = await drivers();
  await namespace.kubectl('delete', 'pvc', '--all', '--wait=false');
  const begun = async (): Promise<boolean> => (await loligo.pool.images()).length < CLAIMS;
  await namespace.until(begun, { what: 'the first image is gone', interval: 20 });
  kill(second);
  const left = (await loligo.pool.images()).length;
  await deletePods();
  t.diagnostic(`killed again with ${left} images left`);
  assert.ok(left > 0, 'all was over before anything was killed: the test does not test');
  await loligo.untilReady();

  const empty = async (): Promise<boolean> =>
    (await loligo.pool.images()).length === 0 && (await loligo.pool.rbd('trash', 'ls', '--all')) === '';
  await kube.until(empty, { what: 'no image is left, and none in the trash', timeout: HALF_DELETED, interval: 1000 });
  await kube.until(async () => (await kube.list('pv')).length === 0, { what: 'no volume is left' });
});
