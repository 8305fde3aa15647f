/** The taint of a node that is out of service, from a real API server into a real Ceph; looked at with rados. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { NodeWatch } from '../../src/operator/nodes/node-watch.ts';
import type { RemoteEngine } from '../../src/rbd/index.ts';
import { engineBed } from '../support/engine-bed.ts';
import { ApiServer } from '../support/kubernetes/api-server.ts';
import { until } from '../support/kubernetes/waiting.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aVolume } from '../support/volume-specs.ts';
import { apiBy, Notes } from './bed.ts';

const TAINT = 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute';
let server: ApiServer;

before(async () => {
  server = await ApiServer.start();
  const node = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
  await server.apply({ apiVersion: 'v1', kind: 'List', items: [node('worker-1'), node('worker-2')] });
});

after(async () => {
  await server?.[Symbol.asyncDispose]();
});

test('a taint reaches Ceph, a new operator finds it there, and it goes when the taint goes', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool, { cluster: `c-${randomBytes(3).toString('hex')}` });
  await bed.engine.createVolume(aVolume(pool, { image: 'v' }));
  using api = apiBy(server.kubeconfig());
  // Without an agent between: an engine is asked by the same names.
  const clusters = { names: () => ['prod'], engineAt: () => bed.engine as unknown as RemoteEngine };
  const watch = (): NodeWatch => new NodeWatch({ api, clusters, log: new Notes() });
  const lost = async (): Promise<string> =>
    (await pool.rados('listomapkeys', 'loligo.pool'))
      .split('\n')
      .filter((key) => key.startsWith('lost/'))
      .join();

  const first = watch();
  first.start();
  await server.kubectl('taint', 'node', 'worker-1', TAINT);
  await until(async () => (await lost()) === 'lost/worker-1', { what: 'the node is lost', timeout: 30_000 });
  await first.stop();
  await server.kubectl('taint', 'node', 'worker-1', `${TAINT}-`);
  await server.kubectl('taint', 'node', 'worker-2', TAINT);
  const second = watch();
  second.start();
  await until(async () => (await lost()) === 'lost/worker-2', { what: 'one is back, the other lost', timeout: 30_000 });
  await server.kubectl('taint', 'node', 'worker-2', `${TAINT}-`);
  await until(async () => (await lost()) === '', { what: 'both are back', timeout: 30_000 });
  await second.stop();

  assert.deepEqual(await bed.engine.lostNodes({}), { everywhere: [], byTaint: [] });
});
