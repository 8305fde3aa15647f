/** A whole pool serves nobody, beside another one of the same class: on a cluster of its own, for listings of others would wait for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answered, answerOf, DriverBed, isNotFinal } from '../support/driver-bed.ts';
import { MicroCeph } from '../support/micro-ceph.ts';

const OPTIONS = { 'ceph-timeout': '2', 'creator-lifetime': '3', 'reap-interval': '3600' };

test('a pool that serves nobody does not keep volumes out of the others of its class', async () => {
  await using ceph = await MicroCeph.start();
  await using serving = await ceph.freshPool('serving');
  await using stuck = await ceph.freshPool('stuck');
  await using bed = await DriverBed.open(serving, { options: OPTIONS });
  const pools = [serving, stuck].map(({ name }) => ({ pool: name, segments: { zone: name } }));
  const ask = (name: string, zone: string): Promise<Answered> => {
    const parameters = { cluster: bed.cluster, topologyPools: JSON.stringify(pools) };
    const accessibilityRequirements = { preferred: [{ segments: { zone } }], requisite: [] };
    return answerOf(
      bed.csi.call('CreateVolume', bed.volume(name, { parameters, accessibilityRequirements }), { deadline: 15_000 }),
    );
  };
  const before = await ask('before', 'stuck');

  await ceph.ceph('osd', 'pool', 'set', 'stuck', 'size', '2');
  await ceph.ceph('osd', 'pool', 'set', 'stuck', 'min_size', '2');
  const answers = [await ask('new', 'serving'), await ask('another', 'serving')];
  const refused = await ask('newer', 'stuck');
  await ceph.ceph('osd', 'pool', 'set', 'stuck', 'min_size', '1');

  assert.equal(before.status, 'OK', before.details);
  for (const { status, details } of answers) assert.equal(status, 'OK', details);
  assert.ok(isNotFinal(refused.status), refused.details);
  assert.deepEqual(await serving.images(), ['another', 'new']);
});
