/** What two sites' facts mean together: a table of situations, each as two real clusters showed it (docs/mirroring.md). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonStatus, ImageDetail, ImageFacts, MirrorSnapshot, PoolFacts, Standing } from '../../src/mirror/index.ts';
import { type Acceptance, type Comparison, compareImage, judgeForce, pairImages, rememberPoints } from '../../src/mirror/index.ts';

const NOW = 1_000_000_000;
const ago = (seconds: number): number => NOW - seconds * 1000;

function snapshot(id: number, seconds: number, differs: Partial<MirrorSnapshot> = {}): MirrorSnapshot {
  const none = { waitingPeers: [], primaryMirrorUuid: '', primarySnapshotId: '', copiedObjects: 0 };
  return { id: String(id), state: 'primary', at: ago(seconds), complete: true, ...none, ...differs };
}

function copyOf(id: number, primaryId: number, differs: Partial<MirrorSnapshot> = {}): MirrorSnapshot {
  const of = { primaryMirrorUuid: 'uuid-a', primarySnapshotId: String(primaryId) };
  return snapshot(id, 0, { state: 'non-primary', ...of, ...differs });
}

interface Side {
  readonly standing: Standing;
  readonly snapshots?: readonly MirrorSnapshot[];
  readonly status?: Partial<DaemonStatus>;
  readonly mode?: ImageFacts['mode'];
  readonly resyncAsked?: boolean;
  readonly daemons?: readonly string[];
}

function poolOf(
  mirrorUuid: string,
  { standing, snapshots = [], status, mode = 'snapshot', resyncAsked = false, daemons = ['1'] }: Side,
): PoolFacts {
  const detail: ImageDetail = {
    standing,
    size: 1n,
    snapshots,
    resyncAsked,
    parent: undefined,
    policy: 'p',
    halfMoved: false,
    exposed: false,
  };
  const own: DaemonStatus = { mirrorUuid: '', up: true, state: 'replaying', description: '', at: NOW, ...status };
  const image: ImageFacts = { image: 'v', id: '1', globalId: 'g', mode, state: 'enabled', statuses: [own], detail };
  return { fsid: mirrorUuid, at: NOW, mode: 'image', mirrorUuid, peers: [], daemons, images: [image] };
}

function compare(
  a: Side | undefined,
  b: Side | undefined,
  remembered: Parameters<typeof compareImage>[0]['remembered'] = [],
): Comparison {
  const pools = [a && poolOf('uuid-a', a), b && poolOf('uuid-b', b)] as const;
  const [pair] = pairImages(...pools).values();
  assert.ok(pair !== undefined);
  return compareImage({ ...pair, remembered, now: NOW });
}

const PRIMARY = { role: 'primary' } as const;
const SECONDARY = { role: 'secondary', peer: 'uuid-a' } as const;
const demoted = (by: 'this-site' | 'peer', mark: string, complete = true): Standing => ({ role: 'demoted', by, mark, complete });
const wentOn = (since: string, mark: string): Standing => ({ role: 'demoted', by: 'this-site', mark, complete: true, since });

test('a secondary at rest lacks what is younger than its newest copy, by the primary’s clock', () => {
  const said = compare(
    { standing: PRIMARY, snapshots: [snapshot(9, 3), snapshot(8, 8)] },
    { standing: SECONDARY, snapshots: [copyOf(5, 8), copyOf(4, 7)] },
  );

  assert.deepEqual([said.state, said.reason, said.primary], ['replicating', 'Replaying', 'here']);
  assert.deepEqual([said.lag, said.lossIfForced, said.copied?.snapshotId], [8, 8, '8']);
});

test('while the next copy runs a forced promote would drop one snapshot more', () => {
  const copying = copyOf(6, 9, { complete: false });

  const said = compare(
    { standing: PRIMARY, snapshots: [snapshot(9, 3), snapshot(8, 8), snapshot(7, 13)] },
    { standing: SECONDARY, snapshots: [copying, copyOf(5, 8), copyOf(4, 7)] },
  );

  assert.deepEqual([said.lag, said.lossIfForced], [8, 13]);
});

test('with the primary out of reach the loss is told from what was remembered, else from the daemon’s last words, else not', () => {
  const to: Side = { standing: SECONDARY, snapshots: [copyOf(5, 8)] };
  const remembered = rememberPoints([], poolOf('uuid-a', { standing: PRIMARY }), {
    ...poolOf('uuid-a', { standing: PRIMARY, snapshots: [snapshot(8, 20)] }).images[0],
  } as ImageFacts);

  const [known, told, unknown] = [
    compare(undefined, to, remembered),
    compare(undefined, { ...to, status: { description: `replaying, {"local_snapshot_timestamp":${ago(30) / 1000}}` } }),
    compare(undefined, to),
  ];

  assert.deepEqual([known.lossIfForced, told.lossIfForced, unknown.lossIfForced], [20, 30, undefined]);
  assert.deepEqual([known.state, known.reason, known.primary], ['failed', 'PeerUnreachable', 'unknown']);
});

test('a demotion that is here is all there is only while the other side shows that it went no further', () => {
  const arrived: Side = {
    standing: demoted('peer', 'uuid-a/9'),
    snapshots: [copyOf(6, 9, { state: 'non-primary-demoted' })],
  };
  const at = snapshot(9, 40, { state: 'primary-demoted' });
  const standing = demoted('this-site', 'uuid-a/9');
  const facts = poolOf('uuid-a', { standing, snapshots: [at] });
  const remembered = rememberPoints([], facts, facts.images[0] as ImageFacts);

  const [seen, known, unknown] = [
    compare({ standing, snapshots: [at] }, arrived),
    compare(undefined, arrived, remembered),
    compare(undefined, arrived),
  ];

  assert.deepEqual([seen.lossIfForced, known.lossIfForced, unknown.lossIfForced], [undefined, 40, undefined]);
});

test('two primaries are a split-brain, though neither status says so', () => {
  const said = compare(
    { standing: PRIMARY },
    { standing: PRIMARY, status: { state: 'stopped', description: 'local image is primary' } },
  );

  assert.deepEqual([said.state, said.reason, said.primary], ['split-brain', 'BothPrimary', 'both']);
});

test('a promote is safe by equal marks alone', () => {
  const verdicts = {
    moved: compare({ standing: demoted('this-site', 'uuid-a/9') }, { standing: demoted('peer', 'uuid-a/9') }),
    copying: compare({ standing: demoted('this-site', 'uuid-a/9') }, { standing: demoted('peer', 'uuid-a/9', false) }),
    early: compare({ standing: demoted('this-site', 'uuid-a/9') }, { standing: SECONDARY }),
    straightBack: compare({ standing: demoted('this-site', 'uuid-a/9') }, { standing: demoted('this-site', 'uuid-b/7') }),
    wentOn: compare({ standing: demoted('this-site', 'uuid-a/9') }, { standing: wentOn('uuid-a/9', 'uuid-b/7') }),
    apart: compare({ standing: demoted('this-site', 'uuid-a/11') }, { standing: wentOn('uuid-a/9', 'uuid-b/7') }),
    stale: compare({ standing: demoted('peer', 'uuid-b/7') }, { standing: demoted('this-site', 'uuid-b/12') }),
    primary: compare({ standing: PRIMARY }, { standing: SECONDARY }),
    gone: compare({ standing: demoted('peer', 'uuid-b/7') }, undefined),
  };

  const said = Object.fromEntries(
    Object.entries(verdicts).map(([name, { promote }]) => [
      name,
      [promote.here, promote.there].map((verdict) => (verdict.safe ? verdict.how : verdict.why)),
    ]),
  );
  assert.deepEqual(said, {
    moved: ['take-back', 'move'],
    copying: ['take-back', 'DemotionNotPropagated'],
    early: ['take-back', 'DemotionNotPropagated'],
    straightBack: ['DemotionStale', 'DemotionStale'],
    wentOn: ['NotReplayed', 'take-back'],
    apart: ['DemotionStale', 'DemotionStale'],
    stale: ['DemotionStale', 'take-back'],
    primary: ['AlreadyPrimary', 'PeerPrimary'],
    gone: ['PeerNotSeen', 'NotSeen'],
  });
});

test('a demotion that arrived leaves nothing to lose', () => {
  const said = compare({ standing: demoted('this-site', 'uuid-a/9') }, { standing: demoted('peer', 'uuid-a/9') });

  assert.deepEqual([said.state, said.primary], ['syncing', 'nowhere']);
});

test('what is wrong is named', () => {
  const primary: Side = { standing: PRIMARY, snapshots: [snapshot(8, 8, { waitingPeers: ['p'] })] };
  const cases = {
    firstCopy: compare(primary, { standing: SECONDARY, snapshots: [copyOf(5, 8, { complete: false })] }),
    neverCopied: compare({ standing: PRIMARY, snapshots: [snapshot(8, 8)] }, { standing: { role: 'secondary', peer: '' } }),
    daemonDown: compare(primary, { standing: SECONDARY, snapshots: [copyOf(5, 8)], daemons: [] }),
    error: compare(primary, { standing: SECONDARY, status: { state: 'error', description: 'failed to open' } }),
    diverged: compare(primary, {
      standing: demoted('this-site', 'uuid-b/3'),
      status: { state: 'error', description: 'split-brain' },
    }),
    resync: compare(primary, { standing: SECONDARY, resyncAsked: true }),
    torn: compare(primary, { standing: SECONDARY, snapshots: [copyOf(7, 0), copyOf(6, 9, { complete: false }), copyOf(5, 8)] }),
  };

  const said = Object.fromEntries(Object.entries(cases).map(([name, { state, reason }]) => [name, `${state}/${reason}`]));
  assert.deepEqual(said, {
    firstCopy: 'syncing/FirstCopy',
    neverCopied: 'failed/NeverCopied',
    daemonDown: 'failed/DaemonDown',
    error: 'failed/ReplayError',
    diverged: 'split-brain/Diverged',
    resync: 'syncing/Resyncing',
    torn: 'failed/Torn',
  });
});

test('a forced promote is admitted by an acceptance that covers the loss, and not while the primary answers', () => {
  const primary: Side = { standing: PRIMARY, snapshots: [snapshot(9, 3), snapshot(8, 20)] };
  const copy: Side = { standing: SECONDARY, snapshots: [copyOf(5, 8)] };
  const ask = (a: Side | undefined, b: Side, accepted: Partial<Acceptance> = {}): unknown => {
    const [pair] = pairImages(a && poolOf('uuid-a', a), poolOf('uuid-b', b)).values();
    assert.ok(pair !== undefined);
    const remembered = [{ mirrorUuid: 'uuid-a', snapshotId: '8', at: ago(20) }];
    const loss = compareImage({ ...pair, remembered, now: NOW }).lossIfForced;
    const verdict = judgeForce(
      { target: pair.there, other: pair.here, loss },
      { upTo: 60, unknown: false, peerFenced: false, ...accepted },
    );
    return verdict.may ? verdict.loss : verdict.why;
  };

  assert.equal(ask(undefined, copy), 20);
  assert.equal(ask(undefined, copy, { upTo: 10 }), 'LossAboveBound');
  assert.equal(ask(primary, copy), 'PeerIsPrimaryAndReachable');
  assert.equal(ask(primary, copy, { peerFenced: true }), 20);
  assert.equal(ask(undefined, { standing: SECONDARY, snapshots: [copyOf(5, 7)] }), 'LossNotKnown');
  assert.equal(ask(undefined, { standing: SECONDARY, snapshots: [copyOf(5, 7)] }, { unknown: true }), undefined);
  assert.equal(ask(undefined, { standing: SECONDARY, snapshots: [copyOf(5, 8, { complete: false })] }), 'NothingWhole');
  assert.equal(ask(undefined, { standing: PRIMARY }), 'AlreadyPrimary');
});

test('a move is over when the old primary has a copy of something made after the promotion', () => {
  const reign = [snapshot(11, 1), snapshot(9, 5), snapshot(8, 9, { state: 'non-primary-demoted' }), snapshot(4, 50)];
  const settled = (primaryId: number): boolean =>
    compare({ standing: PRIMARY, snapshots: reign }, { standing: SECONDARY, snapshots: [copyOf(20, primaryId)] }).settled;

  assert.deepEqual([settled(4), settled(9), settled(11)], [false, true, true]);
});

test('a journal with nothing left to replay lacks what is younger than its daemon’s last words', () => {
  const status = { at: ago(12), description: 'replaying, {"entries_behind_primary":0,"entries_per_second":0.2}' };
  const behind = { at: ago(12), description: 'replaying, {"entries_behind_primary":7}' };
  const lag = (said: Partial<DaemonStatus>): number | undefined =>
    compare({ standing: PRIMARY, mode: 'journal' }, { standing: SECONDARY, mode: 'journal', status: said }).lag;

  assert.deepEqual([lag(status), lag(behind)], [12, undefined]);
});
