/** How many volumes a node takes is known to the scheduler, which keeps back the pod with one more. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { DRIVER, Loligo } from '../support/kubernetes/loligo.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { sharedKube } from '../support/kubernetes/shared-kube.ts';

const LIMIT = 2;

const kube = sharedKube();
const loligo = await Loligo.install(kube);

after(() => loligo.untilEmpty());

test('a node that has as many volumes as it takes gets no further pod with one, until one is gone', {
  timeout: 400_000,
}, async () => {
  const defaults = await loligo.defaults();
  const node = { ...(defaults['node'] as object), volumeLimit: LIMIT };
  const count = `{.spec.drivers[?(@.name=="${DRIVER}")].allocatable.count}`;
  await using namespace = await kube.freshNamespace();
  try {
    await loligo.upgrade({ ...defaults, node });
    const known = async (): Promise<boolean> =>
      (await kube.kubectl('get', 'csinode', 'node1', '--output', `jsonpath=${count}`)) === String(LIMIT);
    await kube.until(known, { what: 'the limit stands in the CSINode' });
    const names = ['one', 'two'];
    await namespace.apply(names.flatMap((name) => [claim(name), pod(name, { node: 'node1', claims: { '/data': name } })]));
    for (const name of names) await namespace.untilReady(name);

    await namespace.apply([claim('three'), pod('three', { node: 'node1', claims: { '/data': 'three' } })]);
    const refusal = await namespace.untilEvent('pod/three', /FailedScheduling/);
    await namespace.kubectl('delete', 'pod', 'one');
    await namespace.untilReady('three', 120_000);

    assert.match(refusal, /exceed max volume count/);
  } finally {
    await loligo.upgrade(defaults);
  }
});
