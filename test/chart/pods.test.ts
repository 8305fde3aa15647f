import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Options } from '../../src/bin/options.ts';
import { type Manifest, podsOf, rendered, VALUE_SETS } from './rendered.ts';

const ROLES = ['controller', 'node', 'mapper'];
/** Keys of the value sets, as they stand there and as a Secret holds them. */
const KEYS = ['bm90LWEta2V5', 'cHJvZC1rZXk=', 'cHJvZC1ub2RlLWtleQ==', 'ZGV2LWtleQ=='];

for (const set of VALUE_SETS) {
  test(`loligo understands every option that the values ${set} give it`, async () => {
    const containers = await containersOf(set);

    const ours = containers.filter(({ args = [] }) => ROLES.includes(args[0]));

    assert.ok(ours.length >= 2);
    for (const { args, env } of ours) {
      const names = new Set(env.map(({ name }: Manifest) => `$(${name})`));
      const [, ...options] = args;
      const filled = options.map((option: string) =>
        option.replaceAll(/\$\(\w+\)/g, (name) => (names.has(name) ? '10.0.0.1' : name)),
      );
      const read = new Options(filled, {}); // throws, naming an option that there is not
      assert.ok(read.health !== undefined && read.logLevel === 'info');
      assert.deepEqual(
        filled.filter((option: string) => option.includes('$(')),
        [],
        'a variable that is not there',
      );
    }
  });

  test(`no key of the values ${set} stands anywhere but in a Secret`, async () => {
    const manifests = await rendered(set);

    const text = JSON.stringify(manifests.filter(({ kind }) => kind !== 'Secret'));

    for (const key of KEYS) {
      assert.ok(!text.includes(key) && !text.includes(Buffer.from(key, 'base64').toString()));
    }
  });

  test(`every container of the values ${set} is confined, but for the two that make mounts`, async () => {
    for (const { component, spec } of podsOf(await rendered(set))) {
      assert.deepEqual(spec.securityContext.seccompProfile, { type: 'RuntimeDefault' });
      assert.ok(spec.hostPID === undefined && spec.hostIPC === undefined && spec.shareProcessNamespace === undefined);
      for (const { name, securityContext, resources } of spec.containers) {
        assert.equal(securityContext.readOnlyRootFilesystem, true);
        assert.ok(resources.requests.memory !== undefined, `${component} ${name} asks for no memory`);
        if (['node driver', 'mapper mapper'].includes(`${component} ${name}`)) continue;
        assert.equal(securityContext.privileged, undefined);
        assert.equal(securityContext.allowPrivilegeEscalation, false);
        assert.deepEqual(securityContext.capabilities, { drop: ['ALL'] });
      }
      if (['node', 'mapper'].includes(component)) continue;
      assert.equal(spec.securityContext.runAsNonRoot, true);
      assert.equal(spec.hostNetwork, undefined);
    }
  });
}

test('each role is asked by all three probes, and restarted for nothing but a loop that stands still', async () => {
  const containers = await containersOf('everything');

  for (const role of ROLES) {
    const { startupProbe, livenessProbe, readinessProbe, ports } = containers.find(({ args = [] }) => args[0] === role);

    assert.equal(startupProbe.httpGet.path, '/healthz');
    assert.equal(livenessProbe.httpGet.path, '/healthz');
    assert.equal(readinessProbe.httpGet.path, '/readyz');
    assert.ok(ports.some(({ name }: Manifest) => name === readinessProbe.httpGet.port));
  }
});

test('somebody asks Probe by the socket: /readyz and loligo_cluster_up come from nothing else', async () => {
  for (const { component, spec } of podsOf(await rendered('default'))) {
    const probe = spec.containers.find(({ name }: Manifest) => name === 'livenessprobe');

    assert.equal(probe?.readinessProbe.httpGet.path, ['controller', 'node'].includes(component) ? '/healthz' : undefined);
  }
});

test('ports of one pod, and of all pods on the host, never collide', async () => {
  const pods = podsOf(await rendered('everything'));
  const onHost = pods.filter(({ spec }) => spec.hostNetwork === true);

  for (const group of [...pods.filter(({ spec }) => spec.hostNetwork !== true).map((pod) => [pod]), onHost]) {
    const ports = group.flatMap(({ spec }) => spec.containers.flatMap(listensOn));
    assert.deepEqual(ports.toSorted(), [...new Set(ports)].toSorted());
  }
});

test('the sidecars wait as long as the driver answers', async () => {
  const containers = await containersOf('default');

  const sidecars = containers.filter(({ name }) => ['provisioner', 'attacher', 'resizer', 'snapshotter'].includes(name));

  assert.equal(sidecars.length, 4);
  for (const { args } of sidecars) assert.ok(args.includes('--timeout=60s') && args.includes('--leader-election=true'));
});

test('the provisioner looks for topology only where nodes have one: it makes no volume while it finds none', async () => {
  for (const [set, gate] of [
    ['default', 'false'],
    ['two-clusters', 'true'],
  ] as const) {
    const { args } = (await containersOf(set)).find(({ name }) => name === 'provisioner');

    assert.ok(args.includes(`--feature-gates=Topology=${gate}`));
  }
});

test('the node has the topology of its labels, read from the pod', async () => {
  const containers = await containersOf('everything');

  const { args, env } = containers.find((container) => container.args?.[0] === 'node');

  const option = '--node-topology=topology.kubernetes.io/zone=$(TOPOLOGY_0),topology.kubernetes.io/region=$(TOPOLOGY_1)';
  assert.ok(args.includes(option));
  assert.deepEqual(
    env.slice(-2).map(({ valueFrom }: Manifest) => valueFrom.fieldRef.fieldPath),
    ["metadata.labels['topology.kubernetes.io/zone']", "metadata.labels['topology.kubernetes.io/region']"],
  );
});

async function containersOf(set: (typeof VALUE_SETS)[number]): Promise<readonly Manifest[]> {
  return podsOf(await rendered(set)).flatMap(({ spec }) => spec.containers);
}

function listensOn({ ports = [], args = [] }: Manifest): readonly number[] {
  const told = args.flatMap((arg: string) => /^--http-endpoint=.*:(\d+)$/.exec(arg)?.[1] ?? []).map(Number);
  return [...new Set([...ports.map(({ containerPort }: Manifest) => containerPort), ...told])];
}
