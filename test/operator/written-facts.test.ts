/** What of a volume's objects is written down with its image, by which of two Kubernetes clusters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VolumeFacts } from '#rbd';
import type { VolumeSeen } from '../../src/operator/mirror/observation.ts';
import { changeOf, type Writing } from '../../src/operator/mirror/write-facts.ts';
import { copyOf, type Facts, formatFacts, hereOf, type Volume } from '../../src/operator/objects/index.ts';

const [OURS, THEIRS] = ['cluster-1', 'cluster-2'];
const HANDLE = 'prod/rbd/v';
const DRIVER = 'rbd.csi.loligo.dev';

const FACTS: Facts = {
  from: OURS,
  volume: 'pvc-1',
  class: 'gold',
  modes: ['ReadWriteOnce'],
  block: false,
  fs: '',
  reclaim: 'Retain',
  claim: { namespace: 'shop', name: 'data', labels: { dr: 'gold' } },
};

/** Of a volume that is bound here, and its claim with these labels. */
function here(phase: string, labels: Readonly<Record<string, string>>): Writing['here'] {
  const csi = { driver: DRIVER, volumeHandle: HANDLE };
  const claimRef = { namespace: 'shop', name: 'data' };
  const volume = { spec: { csi, claimRef, storageClassName: 'gold' }, status: { phase } };
  const head = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pvc-1' } };
  const volumes: readonly Volume[] = phase === '' ? [] : [{ ...head, ...volume }];
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'shop', labels } };
  const none = copyOf<never>([]);
  return hereOf(DRIVER, {
    volumes: copyOf(volumes),
    claims: copyOf([claim]),
    namespaces: none,
    classes: none,
    snapshots: undefined,
  });
}

interface Case {
  readonly text: string;
  readonly phase?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly isHome?: boolean;
  readonly refused?: boolean;
  /** What is written; undefined for nothing. */
  readonly is: string | undefined;
}

const mine = formatFacts('v', FACTS);
const theirs = formatFacts('v', { ...FACTS, from: THEIRS });
const changed = formatFacts('v', { ...FACTS, claim: { ...FACTS.claim, labels: { dr: 'silver' } } });

const CASES: Record<string, Case> = {
  'what nobody has written': { text: '', is: mine },
  'what nobody has written, elsewhere': { text: '', isHome: false, is: mine },
  'what is as it was': { text: mine, is: undefined },
  'a label that changed': { text: mine, labels: { dr: 'silver' }, is: changed },
  'a label that changed, with one control plane for both sites': {
    text: mine,
    labels: { dr: 'silver' },
    isHome: false,
    is: changed,
  },
  'a label that does not travel': { text: mine, labels: { dr: 'gold', secret: 'x' }, is: undefined },
  "another cluster's, once all stands here": { text: theirs, is: mine },
  "another cluster's, at the old site": { text: theirs, isHome: false, is: undefined },
  "another cluster's, while something of it is refused": { text: theirs, refused: true, is: undefined },
  'what nobody can read, of a volume that is in use here': { text: '{"v":1', refused: true, is: mine },
  'what nobody can read, at the old site': { text: '{"v":1', isHome: false, is: undefined },
  'a claim that is gone': { text: mine, phase: 'Released', is: '' },
  'a claim that is gone at the old site': { text: mine, phase: 'Released', isHome: false, is: undefined },
  "a claim that is gone, of another cluster's facts": { text: theirs, phase: 'Released', is: undefined },
  'a volume that is not bound yet': { text: '', phase: 'Available', is: undefined },
  'a volume that is not here': { text: mine, phase: '', is: undefined },
};

for (const [name, { text, phase = 'Bound', labels = { dr: 'gold' }, isHome = true, refused = false, is }] of Object.entries(
  CASES,
)) {
  test(`written down: ${name}`, () => {
    const place = { pool: 'rbd', namespace: '' };
    const kept: VolumeFacts = { ...place, image: 'v', text, labels: {}, size: 1n, encrypted: false, elsewhere: '', snapshots: [] };
    const silent = (): void => undefined;
    const writing: Writing = {
      spec: {
        cluster: 'prod',
        sites: [],
        primarySite: '',
        epoch: 1,
        volumes: { pools: [], claims: { matchLabels: { dr: 'gold' } } },
      },
      here: here(phase, labels),
      from: OURS,
      volumes: [],
      kept: new Map([['rbd/v', kept]]),
      isHome,
      refused: new Set(refused ? [HANDLE] : []),
      log: { debug: silent, info: silent, warn: silent, error: silent },
    };

    const change = changeOf({ place, image: 'v' } as VolumeSeen, writing); // nothing else of it is looked at

    assert.deepEqual(change, is === undefined ? undefined : { image: 'v', before: text, text: is });
  });
}
