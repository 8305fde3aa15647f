/** How many volumes a node takes is known to the scheduler, which keeps back the pod with one more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIVER } from '../support/kubernetes/loligo.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { sharedLoligo } from '../support/kubernetes/shared-loligo.ts';

const LIMIT = 2;

const { kube, loligo } = await sharedLoligo();

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
    await namespace.start(...names.flatMap((name) => [claim(name), pod(name, { node: 'node1', claims: { '/data': name } })]));

    await namespace.apply(claim('three'));
    await namespace.untilBound('three'); // else the scheduler's first reason is the claim, and it tells no second one for minutes
    await namespace.apply(pod('three', { node: 'node1', claims: { '/data': 'three' } }));
    await namespace.untilEvent('pod/three', /FailedScheduling: .*exceed max volume count/);
    await namespace.kubectl('delete', 'pod', 'one');
    await namespace.untilReady('three', 120_000);

    assert.equal((await loligo.pool.images()).length, 3);
  } finally {
    await loligo.upgrade(defaults);
  }
});
