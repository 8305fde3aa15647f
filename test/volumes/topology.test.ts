/** Pools by topology: where a volume goes, from where it can be reached, and how much room there is. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { answerOf, DriverBed, untilOk } from '../support/driver-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const ZONE = 'topology.kubernetes.io/zone';
const CLUSTER = 'zoned';
const MIB = 2 ** 20;
/** Bytes that the quota of pool a leaves. */
const QUOTA = 100 * MIB;

function zone(name: string): { segments: Record<string, string> } {
  return { segments: { [ZONE]: name, 'kubernetes.io/hostname': `host-in-${name}` } };
}

/** Two pools, each reached from a zone of its own, and a driver that was told so. */
class ZonedBed implements AsyncDisposable {
  readonly a: TestPool;
  readonly b: TestPool;
  readonly bed: DriverBed;
  readonly #opened: AsyncDisposableStack;

  private constructor(a: TestPool, b: TestPool, at: { bed: DriverBed; opened: AsyncDisposableStack }) {
    this.a = a;
    this.b = b;
    this.bed = at.bed;
    this.#opened = at.opened;
  }

  static async open(): Promise<ZonedBed> {
    await using opening = new AsyncDisposableStack();
    const a = opening.use(await sharedCeph().freshPool());
    const b = opening.use(await sharedCeph().freshPool());
    const dir = mkdtempSync(join(tmpdir(), 'loligo-topology-'));
    opening.defer(() => rmSync(dir, { recursive: true, force: true }));
    const topology = join(dir, 'topology.json');
    writeFileSync(topology, JSON.stringify({ [CLUSTER]: poolsOf(a, b) }));
    const bed = opening.use(await DriverBed.open(a, { cluster: CLUSTER, options: { topology } }));
    return new ZonedBed(a, b, { bed, opened: opening.move() });
  }

  request(name: string, differs: object = {}): object {
    const topologyPools = JSON.stringify(poolsOf(this.a, this.b));
    return { ...this.bed.volume(name, differs), parameters: { cluster: CLUSTER, topologyPools } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

function poolsOf(a: TestPool, b: TestPool): object[] {
  return [
    { pool: a.name, segments: { [ZONE]: 'a' } },
    { pool: b.name, segments: { [ZONE]: 'b' } },
  ];
}

const WISHES = {
  'nothing-wished': { wish: undefined, goes: 'a' },
  'prefers-b': { wish: { preferred: [zone('b'), zone('a')], requisite: [zone('a'), zone('b')] }, goes: 'b' },
  'prefers-a': { wish: { preferred: [zone('a'), zone('b')], requisite: [zone('b'), zone('a')] }, goes: 'a' },
  'prefers-nowhere': { wish: { preferred: [zone('c'), zone('b')], requisite: [] }, goes: 'b' },
  'requires-b': { wish: { preferred: [], requisite: [zone('c'), zone('b')] }, goes: 'b' },
} as const;

test('asked again with other wishes, a volume stays the one that it is; where they do not reach it, that is said', async () => {
  await using zoned = await ZonedBed.open();
  const { bed, a, b } = zoned;
  const ask = (...zones: readonly string[]) => {
    const accessibilityRequirements = { preferred: zones.map(zone), requisite: [] };
    return answerOf(bed.csi.call('CreateVolume', zoned.request('v', { accessibilityRequirements })));
  };

  const first = await ask('a', 'b');
  const again = await ask('b', 'a');
  const [elsewhere, both] = [await ask('b'), await Promise.all([ask('b', 'a'), ask('a', 'b')])];

  assert.equal(first.status, 'OK');
  assert.deepEqual(again.value, first.value);
  assert.deepEqual([elsewhere.status, elsewhere.details.includes('accessibility_requirements')], ['ALREADY_EXISTS', true]);
  assert.deepEqual([await a.images(), await b.images()], [['v'], []]);
  assert.ok(both.every(({ status }) => status === 'OK' || status === 'ABORTED'));
  await bed.delete(first.value.volume.volumeId);
});

test('a volume goes to the first pool that a wanted topology reaches, and all answers tell from where', async () => {
  await using zoned = await ZonedBed.open();
  const { bed, a, b } = zoned;
  const { csi } = bed;
  const pools = { a, b };
  const reached = { a: [{ segments: { [ZONE]: 'a' } }], b: [{ segments: { [ZONE]: 'b' } }] };

  for (const [name, { wish, goes }] of Object.entries(WISHES)) {
    const request = zoned.request(name, { accessibilityRequirements: wish });
    const { volume } = await untilOk(() => csi.call('CreateVolume', request));
    const again = await untilOk(() => csi.call('CreateVolume', request));
    const { snapshot } = await untilOk(() => csi.call('CreateSnapshot', { name: `of-${name}`, sourceVolumeId: volume.volumeId }));
    const seen = await csi.call('ControllerGetVolume', { volumeId: volume.volumeId });

    assert.equal(volume.volumeId, `${CLUSTER}/${pools[goes].name}/${name}`);
    assert.deepEqual(again.volume, volume);
    for (const { accessibleTopology } of [volume, snapshot, seen.volume]) assert.deepEqual(accessibleTopology, reached[goes], name);
  }

  const names = (pool: 'a' | 'b'): string[] =>
    Object.keys(WISHES).filter((name) => WISHES[name as keyof typeof WISHES].goes === pool);
  assert.deepEqual([await a.images(), await b.images()], [names('a').sort(), names('b').sort()]);
  const { entries } = await csi.call('ListVolumes', {});
  for (const { volume } of entries) {
    assert.deepEqual(volume.accessibleTopology, volume.volumeId.includes(`/${a.name}/`) ? reached.a : reached.b);
  }
});

test('a snapshot of one zone is restored into another, and what no pool can reach is RESOURCE_EXHAUSTED', async () => {
  await using zoned = await ZonedBed.open();
  const { bed, a, b } = zoned;
  const { volume } = await untilOk(() => bed.csi.call('CreateVolume', zoned.request('source')));
  const snapshotId = await bed.snapshot('snap', volume.volumeId);
  const fromSnapshot = { volumeContentSource: { snapshot: { snapshotId } } };
  const onlyIn = (name: string): object => ({ accessibilityRequirements: { preferred: [], requisite: [zone(name)] } });

  const restored = await untilOk(() =>
    bed.csi.call('CreateVolume', zoned.request('restored', { ...fromSnapshot, ...onlyIn('b') })),
  );
  const impossible = [
    await answerOf(bed.csi.call('CreateVolume', zoned.request('nowhere', onlyIn('c')))),
    await answerOf(bed.csi.call('CreateVolume', zoned.request('nowhere', { ...fromSnapshot, ...onlyIn('c') }))),
    await answerOf(bed.csi.call('CreateSnapshot', { name: 'nowhere', sourceVolumeId: volume.volumeId, ...onlyIn('b') })),
  ];

  assert.equal(restored.volume.volumeId, `${CLUSTER}/${b.name}/restored`);
  assert.deepEqual(restored.volume.accessibleTopology, [{ segments: { [ZONE]: 'b' } }]);
  const { parent } = Object(await b.rbdJson('info', 'restored'));
  assert.deepEqual([parent.pool, parent.image, parent.snapshot], [a.name, 'source', 'snap']);
  for (const { status, details } of impossible) {
    assert.equal(status, 'RESOURCE_EXHAUSTED', details);
    assert.match(details, /TOPOLOGY_IMPOSSIBLE/);
  }
  assert.deepEqual([await a.images(), await b.images()], [['source'], ['restored']]);
  assert.equal((Object(await a.rbdJson('snap', 'ls', 'source')) as unknown[]).length, 1);
});

test('the capacity of a topology is that of the pools that it reaches', async () => {
  await using zoned = await ZonedBed.open();
  const { bed, a } = zoned;
  await a.ceph.ceph('osd', 'pool', 'set-quota', a.name, 'max_bytes', String(QUOTA));
  const parameters = Reflect.get(zoned.request(''), 'parameters');
  const room = async (topology?: object): Promise<number> =>
    Number((await bed.csi.call('GetCapacity', { parameters, accessibleTopology: topology })).availableCapacity);

  const rooms = { a: await room(zone('a')), b: await room(zone('b')), c: await room(zone('c')), anywhere: await room() };

  assert.ok(rooms.a > QUOTA / 2 && rooms.a <= QUOTA, `a has ${rooms.a}`);
  assert.ok(rooms.b > QUOTA, `b has ${rooms.b}`);
  assert.equal(rooms.c, 0);
  assert.ok(rooms.anywhere > QUOTA, 'the largest is what can be promised');
});
