/** When a mirror snapshot is due of what CSI-Addons has mirrored. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueIn } from '../../src/csi/replication/clock.ts';
import { keptUse } from '../../src/csi/request/kept-use.ts';
import type { ImageDetail, ImageFacts, PoolFacts } from '../../src/mirror/index.ts';

const NOW = 1_000_000_000;

function snapshot(age: number, waitingPeers: readonly string[] = []): ImageDetail['snapshots'][number] {
  const none = { primaryMirrorUuid: '', primarySnapshotId: '', copiedObjects: 0 };
  return { id: '1', state: 'primary', at: NOW - age * 1000, complete: true, waitingPeers, ...none };
}

function image(detail: Partial<ImageDetail>, differs: Partial<ImageFacts> = {}): PoolFacts {
  const whole: ImageDetail = {
    standing: { role: 'primary' },
    size: 1n,
    snapshots: [snapshot(301)],
    resyncAsked: false,
    parent: undefined,
    policy: 'csi-addons:5m',
    halfMoved: false,
    exposed: false,
    ...detail,
  };
  const one: ImageFacts = {
    image: 'v',
    id: '1',
    globalId: 'g',
    mode: 'snapshot',
    state: 'enabled',
    statuses: [],
    detail: whole,
    ...differs,
  };
  return { fsid: '', at: NOW, mode: 'image', mirrorUuid: '', peers: [], daemons: [], images: [one] };
}

const CASES: Record<string, { facts: PoolFacts; due: boolean }> = {
  'one whose newest is older than its interval': { facts: image({}), due: true },
  'one whose newest is younger': { facts: image({ snapshots: [snapshot(299), snapshot(900)] }), due: false },
  'one that a MirrorPolicy has': { facts: image({ policy: 'gold' }), due: false },
  'one that nobody marked': { facts: image({ policy: '' }), due: false },
  'a copy': { facts: image({ standing: { role: 'secondary', peer: 'p' } }), due: false },
  'one in journal mode': { facts: image({}, { mode: 'journal' }), due: false },
  'one whose peer is three behind': {
    facts: image({ snapshots: [snapshot(400, ['p']), snapshot(800, ['p']), snapshot(1200, ['p'])] }),
    due: false,
  },
  'one whose mark names no interval': { facts: image({ policy: 'csi-addons:' }), due: false },
};

for (const [name, { facts, due }] of Object.entries(CASES)) {
  test(`due: ${name}`, () => assert.deepEqual(dueIn(facts, NOW), due ? ['v'] : []));
}

test('how Kubernetes uses a volume is kept with its names, and nothing without them', () => {
  const mount = { fsType: 'xfs', mountFlags: [], volumeMountGroup: '' };
  const use = { accessMode: { mode: 'SINGLE_NODE_SINGLE_WRITER' }, accessType: 'mount', mount } as never;

  assert.deepEqual(keptUse({ 'pv/name': 'pvc-1' }, [use]), {
    'pv/name': 'pvc-1',
    'pv/accessModes': 'ReadWriteOncePod',
    'pv/volumeMode': 'Filesystem',
    'pv/fsType': 'xfs',
  });
  assert.deepEqual(keptUse({}, [use]), {});
});
