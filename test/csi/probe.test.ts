import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { ClusterWatch, identityService } from '#csi';
import { Failure, type FailureKind } from '#lib/failure';
import type { RemoteEngine } from '#rbd';
import { Bed, type BedHost, bedHost, engineOf } from './csi-bed.ts';

const well = () => Promise.resolve({ fsid: '1' });
const failing = (kind: FailureKind) => () => Promise.reject(new Failure(kind, 'SOME_REASON', 'why'));

function watching(host: BedHost, probes: Readonly<Record<string, RemoteEngine['probe']>>) {
  const clusters = {
    names: () => Object.keys(probes),
    engineAt: (cluster: string) => engineOf({ probe: probes[cluster] ?? well }),
  };
  const watch = new ClusterWatch(clusters, host.metrics.clusterUp);
  return identityService(host, { name: 'n', version: '0', servesController: true, look: (scope) => watch.look(scope) });
}

const cases: Record<string, { probes: Record<string, RemoteEngine['probe']>; code: status }> = {
  'Probe is OK when every cluster answers': { probes: { a: well, b: well }, code: status.OK },
  'Probe is OK when a cluster is away: a restart would not bring it back': {
    probes: { a: failing('unreachable') },
    code: status.OK,
  },
  'Probe is OK when one of two clusters refuses us': { probes: { a: well, b: failing('unauthenticated') }, code: status.OK },
  'Probe is FAILED_PRECONDITION when every cluster refuses us for good': {
    probes: { a: failing('unauthenticated'), b: failing('precondition') },
    code: status.FAILED_PRECONDITION,
  },
  'Probe is OK when one cluster refuses us and the other is away': {
    probes: { a: failing('denied'), b: failing('unreachable') },
    code: status.OK,
  },
};

for (const [name, { probes, code }] of Object.entries(cases)) {
  test(name, async () => {
    const host = bedHost();
    await using bed = await Bed.serving(watching(host, probes));

    const answered = await bed.call('Probe', {});

    assert.equal(status[answered.code], status[code], answered.details);
    assert.match(await host.metrics.text(), /loligo_cluster_up\{cluster="a"\} [01]/);
  });
}

test('many probes at once and soon after make one look, and one line when a state changes', async () => {
  const host = bedHost();
  let looks = 0;
  const slow = async () => {
    looks += 1;
    await sleep(50);
    return await failing('unreachable')();
  };
  await using bed = await Bed.serving(watching(host, { a: slow }));

  await Promise.all(Array.from({ length: 20 }, () => bed.call('Probe', {})));
  await bed.call('Probe', {});

  assert.equal(looks, 1);
  assert.equal(host.lines.filter(({ reason }) => reason === 'SOME_REASON').length, 1);
});

test('a probe gives each cluster two seconds', async () => {
  const given: number[] = [];
  const host = bedHost(60_000);
  const look: RemoteEngine['probe'] = (_args, scope) => {
    given.push(scope.deadline - Date.now());
    return well();
  };
  await using bed = await Bed.serving(watching(host, { a: look }));

  await bed.call('Probe', {}, { timeoutMs: 30_000 });

  assert.ok((given[0] ?? 0) > 1_500 && (given[0] ?? 0) <= 2_000, String(given));
});
