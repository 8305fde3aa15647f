/** Our kinds at a real API server: what it refuses, and with which words; what it shows. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ProgramError } from '../support/ceph/program.ts';
import { ApiServer } from '../support/kubernetes/api-server.ts';
import { aPolicy, type PolicyObject } from '../support/kubernetes/policies.ts';

let server: ApiServer;

before(async () => {
  server = await ApiServer.start();
  await server.installCrds();
});

after(async () => {
  await server?.[Symbol.asyncDispose]();
});

const REFUSED: Record<string, { spec: Readonly<Record<string, unknown>>; says: RegExp }> = {
  'a primary site that is none of the sites': { spec: { primarySite: 'north' }, says: /primarySite is none of sites/ },
  'one site twice': { spec: { sites: ['east', 'east'] }, says: /the two sites have the same name/ },
  'a single site': { spec: { sites: ['east'] }, says: /spec\.sites.*at least 2 items/ },
  'three sites': { spec: { sites: ['east', 'west', 'north'] }, says: /must have at most 2 items/ },
  'an epoch of zero': { spec: { epoch: 0 }, says: /spec\.epoch.*greater than or equal to 1/ },
  'no pool': { spec: { volumes: { pools: [] } }, says: /spec\.volumes\.pools.*at least 1 items/ },
  'no volumes': { spec: { volumes: undefined }, says: /spec\.volumes: Required/ },
  'a pool twice': { spec: { volumes: { pools: ['rbd', 'rbd'] } }, says: /a pool is named twice/ },
  'a pool that is no name': { spec: { volumes: { pools: ['a/b/c'] } }, says: /spec\.volumes\.pools\[0\].*should match/ },
  'everything, and a selection': {
    spec: { volumes: { pools: ['rbd'], everything: true, claims: { matchLabels: { dr: 'gold' } } } },
    says: /everything selects all volumes of the pools: it does not go with claims or namespaces/,
  },
  'an unknown mode': { spec: { mode: 'Sync' }, says: /spec\.mode: Unsupported value: "Sync"/ },
  'an interval below five seconds': { spec: { interval: '1s' }, says: /interval is at least 5s/ },
  'an interval of a year': { spec: { interval: '8760h' }, says: /interval is at most 168h/ },
  'an interval without a unit': { spec: { interval: '60' }, says: /spec\.interval.*should match/ },
  'an objective shorter than the interval': {
    spec: { interval: '10m', rpo: '5m' },
    says: /rpo is shorter than interval, so it could never be met/,
  },
  'a loss of nothing that is accepted': {
    spec: { epoch: 2, acceptDataLoss: { epoch: 2, upTo: '0s' } },
    says: /upTo is more than 0s/,
  },
  'a loss accepted for a later epoch': {
    spec: { acceptDataLoss: { epoch: 2, upTo: '5m' } },
    says: /acceptDataLoss is for an epoch that is not this one/,
  },
  "one of Kubernetes' own namespaces to build in": {
    spec: { objects: { namespaces: ['kube-system'] } },
    says: /nothing is built in Kubernetes' own namespaces/,
  },
  'names at a site that there is not': {
    spec: { objects: { maps: [{ site: 'north', namespaces: { shop: 'shop-dr' } }] } },
    says: /objects\.maps names a site that is none of sites/,
  },
  'names at one site twice': {
    spec: { objects: { maps: [{ site: 'east' }, { site: 'east' }] } },
    says: /spec\.objects\.maps\[1\]: Duplicate value/,
  },
  'a namespace that is no name': {
    spec: { objects: { maps: [{ site: 'west', namespaces: { shop: 'a/b' } }] } },
    says: /a value is no name of a namespace/,
  },
  'a StorageClass that is no name': {
    spec: { objects: { maps: [{ site: 'west', storageClasses: { gold: '' } }] } },
    says: /a value is no name of a StorageClass/,
  },
  'a field that is not known': { spec: { primary: 'east' }, says: /unknown field "spec\.primary"/ },
};

for (const [name, { spec, says }] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(server.apply(aPolicy('refused', spec)), (error: unknown) => {
      assert.ok(error instanceof ProgramError);
      assert.match(error.stderr, says);
      return true;
    });
  });
}

const CHANGES: Record<string, { from?: object; to: object; says: RegExp }> = {
  'another primary site without another epoch': {
    to: { primarySite: 'west' },
    says: /primarySite changes only together with the next epoch/,
  },
  'an epoch that goes back, as a GitOps revert does': {
    from: { epoch: 3 },
    to: { epoch: 2 },
    says: /epoch cannot go back: an older state of this object moves nothing/,
  },
  'another mode': { to: { mode: 'Journal' }, says: /mode cannot be changed: every volume would be copied anew/ },
  'another cluster': { to: { cluster: 'test' }, says: /cluster cannot be changed/ },
  'another site': { to: { sites: ['east', 'north'] }, says: /the sites cannot be others/ },
  'another first pool': { to: { volumes: { pools: ['other', 'rbd'] } }, says: /the first pool cannot be another one/ },
};

for (const [index, [name, { from = {}, to, says }]] of Object.entries(CHANGES).entries()) {
  test(`refused as a change: ${name}`, async () => {
    await server.apply(aPolicy(`changed-${index}`, { ...from }));

    await assert.rejects(server.apply(aPolicy(`changed-${index}`, { ...from, ...to })), (error: unknown) => {
      assert.ok(error instanceof ProgramError);
      assert.match(error.stderr, says);
      return true;
    });
  });
}

const ACCEPTED: Record<string, PolicyObject> = {
  'only the classes that name it': aPolicy('classes', { volumes: { pools: ['rbd', 'ssd/tenant-a'] } }),
  'claims by their labels, in namespaces by theirs': aPolicy('labels', {
    volumes: {
      pools: ['rbd'],
      namespaces: { matchExpressions: [{ key: 'tier', operator: 'In', values: ['gold', 'silver'] }] },
      claims: {},
    },
  }),
  'an interval of seconds, and an objective': aPolicy('quick', { interval: '5s', rpo: '15s' }),
  'a journal, whose interval has no meaning': aPolicy('journal', { mode: 'Journal', rpo: '10s' }),
};

for (const [name, policy] of Object.entries(ACCEPTED)) {
  test(`accepted: ${name}`, async () => {
    await server.apply(policy);

    const stored = JSON.parse(await server.kubectl('get', 'mp', policy.metadata.name, '--output', 'json'));
    assert.deepEqual({ ...stored.spec, ...policy.spec }, stored.spec);
    assert.equal(stored.spec.parents, 'Mirror');
  });
}

test('a move is one patch, with the next epoch', async () => {
  await server.apply(aPolicy('moved'));

  await server.kubectl('patch', 'mp', 'moved', '--type=merge', '--patch', '{"spec":{"primarySite":"west","epoch":2}}');

  assert.equal(await server.kubectl('get', 'mp', 'moved', '--output', 'jsonpath={.spec.primarySite}'), 'west');
});

test('one line says how it is', async () => {
  await server.apply(aPolicy('shown'));
  const status = {
    primarySite: 'east',
    epoch: 1,
    phase: 'Steady',
    volumes: { selected: 3, replicating: 3, syncing: 0, failed: 0, splitBrain: 0, unprotected: 0, summary: '3/3' },
    lag: { max: '12s', p50: '5s' },
    lossIfForced: '12s',
    conditions: [{ type: 'RPOMet', status: 'True', reason: 'Met', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  };
  await server.kubectl('patch', 'mp', 'shown', '--subresource=status', '--type=merge', '--patch', JSON.stringify({ status }));

  const [head = '', line = ''] = (await server.kubectl('get', 'mirrorpolicies', 'shown')).split('\n');

  assert.match(head, /^NAME +PRIMARY +PHASE +VOLUMES +LAG +RPO +LOSS-IF-FORCED +AGE/);
  assert.match(line, /^shown +east +Steady +3\/3 +12s +True +12s /);
});

test('every field says what it is, to kubectl explain', async () => {
  const told = await server.kubectl('explain', 'mirrorpolicies.spec.acceptDataLoss', '--recursive');

  assert.match(told, /Makes the change of primarySite to this epoch a forced one/);
  assert.match(told, /upTo/);
});
