/**
 * What the facts of two sites say of one image. Pure: the clock is an argument. What it rests on is in docs/mirroring.md:
 *   - the primary flags of both sides are compared, for two primaries show in no status;
 *   - lag comes from the lists of mirror snapshots of both sides, for a status is up to half a minute old;
 *   - a promote is safe by equal demotion marks alone, for an un-forced promote that succeeds proves nothing.
 */
import type { ImageFacts, MirrorSnapshot, PoolFacts, Standing } from './facts.ts';
import { journalLag } from './journal-lag.ts';
import { judgePromote, type PromoteVerdict } from './judge-promote.ts';
import { copiedPoints, type MirrorPoint, pointTimes } from './points.ts';

export type VolumeState = 'replicating' | 'syncing' | 'failed' | 'split-brain' | 'unprotected';

/** Stable words, for conditions and Events. */
export type StateReason =
  | 'Replaying'
  | 'FirstCopy'
  | 'NotCreatedYet'
  | 'Resyncing'
  | 'PrimaryNowhere'
  | 'PeerUnreachable'
  | 'NotSeen'
  | 'DaemonDown'
  | 'ReplayError'
  | 'NeverCopied'
  | 'Torn'
  | 'BothPrimary'
  | 'Diverged'
  | 'Disabling'
  | 'NotMirrored';

/** One image at one site; `pool` undefined for a site out of reach, `image` undefined where the pool has no such mirrored image. */
export interface SideFacts {
  readonly pool: PoolFacts | undefined;
  readonly image: ImageFacts | undefined;
}

export interface Comparison {
  readonly state: VolumeState;
  readonly reason: StateReason;
  /** Ceph's words where there are any. */
  readonly message: string;
  readonly primary: 'here' | 'there' | 'both' | 'nowhere' | 'unknown';
  /** Seconds: how old the newest state is that the other site has whole; 0 when nothing is missing, undefined when it is not known. */
  readonly lag: number | undefined;
  /** Seconds of writes that a forced promote at the secondary would drop now; undefined when it is not known. */
  readonly lossIfForced: number | undefined;
  /** The newest snapshot (its id at the primary) that the secondary has whole; what `mirrorBehind` is asked with. */
  readonly copied: MirrorPoint | undefined;
  /** The secondary replays what was written since the promotion: only then may it be switched back. */
  readonly settled: boolean;
  /** Whether an un-forced promote loses nothing, on either side. */
  readonly promote: { readonly here: PromoteVerdict; readonly there: PromoteVerdict };
}

export interface Pair {
  readonly here: SideFacts;
  readonly there: SideFacts;
  /** Points that were seen earlier (`rememberPoints`): when the peer is gone its list is, too. */
  readonly remembered: readonly MirrorPoint[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The images of two pools, paired by global id, or by name where one side has none yet. In the order of names. */
export function pairImages(here: PoolFacts | undefined, there: PoolFacts | undefined): Map<string, Pick<Pair, 'here' | 'there'>> {
  const theirs = new Map(there?.images.map((image) => [image.globalId, image]));
  const pairs = new Map<string, Pick<Pair, 'here' | 'there'>>();
  for (const image of here?.images ?? []) {
    pairs.set(image.image, { here: { pool: here, image }, there: { pool: there, image: theirs.get(image.globalId) } });
    theirs.delete(image.globalId);
  }
  for (const image of theirs.values()) {
    const name = pairs.has(image.image) ? `${image.image} (${image.globalId})` : image.image;
    pairs.set(name, { here: { pool: here, image: undefined }, there: { pool: there, image } });
  }
  return new Map([...pairs].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Both sides need an exact look (`detail`); a side without one counts as out of reach. */
export function compareImage(pair: Pair): Comparison {
  const { here, there } = pair;
  const primary = whereIsPrimary(here, there);
  const sides = primary === 'there' ? { from: there, to: here } : { from: here, to: there };
  const loss = primary === 'both' || primary === 'nowhere' ? NO_LOSS : lossOf({ ...sides, pair });
  return {
    ...stateOf({ ...pair, primary, ...sides }),
    primary,
    ...loss,
    settled: primary === 'here' || primary === 'there' ? isSettled(sides.from, sides.to) : false,
    promote: { here: judgePromote(here, there), there: judgePromote(there, here) },
  };
}

const NO_LOSS = { lag: undefined, lossIfForced: undefined, copied: undefined } as const;

export function standingOf({ image }: SideFacts): Standing | undefined {
  return image?.detail?.standing;
}

function whereIsPrimary(here: SideFacts, there: SideFacts): Comparison['primary'] {
  const [mine, theirs] = [standingOf(here)?.role, standingOf(there)?.role];
  if (mine === 'primary') return theirs === 'primary' ? 'both' : 'here';
  if (theirs === 'primary') return 'there';
  if (here.pool === undefined || there.pool === undefined || mine === undefined || theirs === undefined) return 'unknown';
  return 'nowhere';
}

type StatePart = Pick<Comparison, 'state' | 'reason' | 'message'>;

interface Sides extends Pair {
  readonly primary: Comparison['primary'];
  /** The primary's side, where there is one. */
  readonly from: SideFacts;
  readonly to: SideFacts;
}

function stateOf(sides: Sides): StatePart {
  const { here, there, primary, from, to } = sides;
  if (here.image === undefined && there.image === undefined) return part('unprotected', 'NotMirrored');
  if ([here, there].some(({ image }) => image?.state === 'disabling')) return part('unprotected', 'Disabling');
  if (primary === 'both') return part('split-brain', 'BothPrimary', 'the image is primary at both sites');
  const diverged = divergence(here) ?? divergence(there);
  if (diverged !== undefined) return part('split-brain', 'Diverged', diverged);
  const torn = [here, there].some(({ image }) => isTorn(image?.detail?.snapshots ?? []));
  if (torn) return part('failed', 'Torn', 'an earlier forced promote was killed half-way');
  if ([here, there].some(({ image }) => image?.detail?.resyncAsked)) return part('syncing', 'Resyncing');
  if (primary === 'nowhere') return part('syncing', 'PrimaryNowhere');
  if (here.pool === undefined || there.pool === undefined) return part('failed', 'PeerUnreachable');
  if (primary === 'unknown') return part('failed', 'NotSeen');
  return replayState(from, to);
}

/** Of a primary and its secondary, both in reach. */
function replayState(from: SideFacts, to: SideFacts): StatePart {
  if (to.image === undefined) return neverCopied(from) ?? part('syncing', 'NotCreatedYet');
  const status = ownStatus(to);
  if (status?.state === 'error' && status.up) return part('failed', 'ReplayError', status.description);
  const whole =
    to.image.mode === 'journal' ? status?.state === 'replaying' : newestComplete(to.image.detail?.snapshots ?? []) !== undefined;
  if (to.pool?.daemons.length === 0) return part('failed', 'DaemonDown', 'no mirror daemon serves the pool of the secondary');
  if (!whole) return neverCopied(from) ?? part('syncing', 'FirstCopy', status?.description);
  return part('replicating', 'Replaying', status?.description);
}

/** An image that was enabled before its pool had a peer: its first snapshot is for nobody. */
function neverCopied({ image }: SideFacts): StatePart | undefined {
  if (image === undefined || image.mode === 'journal') return undefined;
  const snapshots = image.detail?.snapshots ?? [];
  const forNobody =
    snapshots.length > 0 && snapshots.every(({ state, waitingPeers }) => state === 'primary' && waitingPeers.length === 0);
  return forNobody ? part('failed', 'NeverCopied', 'its only mirror snapshot is for no peer; it takes another one') : undefined;
}

/** The one thing that only Ceph's words say. */
function divergence({ image }: SideFacts): string | undefined {
  const status = image?.statuses.find(({ mirrorUuid }) => mirrorUuid === '');
  const said = status?.state === 'error' && status.description.startsWith('split-brain');
  return said && image?.detail?.standing.role !== 'primary' ? status?.description : undefined;
}

function ownStatus({ image }: SideFacts): ImageFacts['statuses'][number] | undefined {
  return image?.statuses.find(({ mirrorUuid }) => mirrorUuid === '');
}

function part(state: VolumeState, reason: StateReason, message = ''): StatePart {
  return { state, reason, message };
}

/** A copy with an incomplete snapshot that is not its newest: a forced promote was killed, and the next one would keep a mixture. */
export function isTorn(snapshots: readonly MirrorSnapshot[]): boolean {
  if (snapshots[0]?.state.startsWith('non-primary') !== true) return false;
  return snapshots.slice(1).some(({ state, complete }) => state.startsWith('non-primary') && !complete);
}

function newestComplete(snapshots: readonly MirrorSnapshot[]): MirrorSnapshot | undefined {
  return snapshots.find(({ state, complete }) => state.startsWith('non-primary') && complete);
}

/** Lag and loss of a secondary (`to`), whose primary (`from`) may be out of reach. */
function lossOf({
  from,
  to,
  pair,
}: {
  from: SideFacts;
  to: SideFacts;
  pair: Pair;
}): Pick<Comparison, 'lag' | 'lossIfForced' | 'copied'> {
  // Where the primary is out of reach and so unknown, the side that is here is the secondary.
  const secondary = standingOf(to) === undefined ? from : to;
  const primary = secondary === to ? from : to;
  const standing = standingOf(secondary);
  if (secondary.image?.mode === 'journal') {
    const lag = journalLag(secondary.image, pair.now);
    return { lag, lossIfForced: lag, copied: undefined };
  }
  if (standing === undefined || standing.role === 'primary' || secondary.image === undefined) return NO_LOSS;
  const [copied, before] = copiedPoints(secondary.image);
  const timeOf = pointTimes({ primary, secondary, remembered: pair.remembered });
  const age = (point: MirrorPoint | undefined): number | undefined => {
    const at = point && timeOf(point);
    return at === undefined ? undefined : Math.max(0, (pair.now - at) / 1000);
  };
  const atRest = standing.role === 'demoted' && standing.by === 'peer' && standing.complete;
  // Out of sight the other side may have been promoted again since, and written: then what counts is how old the demotion is.
  const other = standingOf(primary)?.role;
  const lag = atRest && other !== undefined && other !== 'primary' ? 0 : age(copied);
  // A forced promote during a copy rolls back one snapshot further than the newest complete one.
  const copying = secondary.image.detail?.snapshots[0]?.complete === false;
  return { lag, lossIfForced: copying ? age(before) : lag, copied: copied && { ...copied, at: timeOf(copied) ?? copied.at } };
}

function isSettled(from: SideFacts, to: SideFacts): boolean {
  const [primary, secondary] = [from.image?.detail, to.image?.detail];
  if (primary === undefined || secondary?.standing.role !== 'secondary') return false;
  if (secondary.standing.peer !== from.pool?.mirrorUuid) return false;
  if (from.image?.mode === 'journal') return ownStatus(to)?.state === 'replaying';
  const reign = primary.snapshots.findIndex(({ state }) => state !== 'primary');
  const since = primary.snapshots.slice(0, reign === -1 ? undefined : reign).map(({ id }) => id);
  const copied = newestComplete(secondary.snapshots);
  const first = since.at(-1);
  return copied !== undefined && first !== undefined && BigInt(copied.primarySnapshotId) >= BigInt(first);
}
