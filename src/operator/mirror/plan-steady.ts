/**
 * The state between moves: peers (P1 to P3), volumes that are not mirrored yet (P4), mirror snapshots that are due (P6); and a site that
 * was lost and came back (R0 to R3).
 */
import { formatPlace, type Place } from '#lib/handle';
import type { ImageFacts, Truth } from '#mirror';
import { isReachable, markOf, type Observation, otherSite, roleAt, siteOf, type VolumeSeen } from './observation.ts';
import type { Phase, Plan, Situation, Step } from './plan.ts';
import { demotes, homing, promotes, verdictAt } from './plan-home.ts';
import { changed } from './plan-truth.ts';
import { byPlace, firstOf } from './volumes.ts';

/** Mirror snapshots in one pass; passes are a second apart or more. The monitors do about forty a second. */
const SNAPSHOTS_AT_ONCE = 40;
/** Points that the peer has still to copy before no further one is taken: Ceph keeps five, and then drops the oldest. */
const BEHIND_AT_MOST = 3;
const PASS = { least: 1, most: 5 }; // seconds

export function planSteady(situation: Situation, truth: Truth): Plan {
  const { want, seen, volumes } = situation;
  const both = isReachable(seen.here) && isReachable(seen.there);
  const advance = want.epoch > truth.epoch && want.primarySite === truth.primarySite ? advanceEpoch(situation, truth) : [];
  const unpeered = both ? seen.places.filter((place) => !isPeered(seen, place)) : [];
  const { memory } = situation;
  const peering = (both && memory.peersDue ? seen.places : unpeered).filter(
    (place) => !memory.left.has(`peer/${formatPlace(place)}`),
  );
  const steps: Step[] = [
    ...advance,
    ...finishing(situation, truth),
    ...snapshots(situation, truth),
    ...(both ? enabling(situation, truth, unpeered) : []),
    ...(both ? returning(situation, truth) : []),
    ...(both ? homing(situation, truth, isReturning(seen, truth)) : []),
    ...peering.map((place): Step => ({ do: 'peer', place })),
  ];
  const phase = phaseOf(situation, truth, unpeered.length > 0);
  const again = againIn(volumes, situation, truth);
  if (phase !== 'InitialSync' || unsettled(situation, truth).length === 0) return { phase, steps, again };
  const total = volumes.length;
  return {
    phase: 'SwitchingOver',
    step: { name: 'Settle', done: total - unsettled(situation, truth).length, total },
    steps,
    again,
  };
}

function phaseOf({ seen, volumes }: Situation, truth: Truth, isUnpeered: boolean): Phase {
  if (isUnpeered) return 'Peering';
  const other = otherSite(seen, truth.primarySite);
  if (!isReachable(other) || !isReachable(siteOf(seen, truth.primarySite))) return 'Degraded';
  if (isReturning(seen, truth)) return 'Recovering';
  const isSyncing = volumes.some(
    ({ wanted, comparison }) => comparison.state === 'syncing' || (wanted && comparison.state === 'unprotected'),
  );
  return isSyncing ? 'InitialSync' : 'Steady';
}

/** S8: moved, and not yet replayed at the site that they came from. */
function unsettled({ seen, volumes }: Situation, truth: Truth): readonly VolumeSeen[] {
  const old = otherSite(seen, truth.primarySite).site;
  return volumes.filter((volume) => roleAt(volume, old) === 'demoted');
}

/** A number that was used up by a move that was taken back. Nothing moves. */
function advanceEpoch({ want, seen }: Situation, truth: Truth): readonly Step[] {
  const peer = { epoch: want.epoch, primarySite: truth.primarySite, at: seen.now };
  const next = changed(truth, { epoch: want.epoch, specHash: want.specHash, peer }, seen.now);
  const primary = siteOf(seen, truth.primarySite);
  return isReachable(primary) && !isReturning(seen, truth) ? [{ do: 'write-truth', site: primary.site, truth: next }] : [];
}

function isPeered({ here, there }: Observation, place: Place): boolean {
  const key = formatPlace(place);
  return [here, there].every((site) => {
    const pool = site.pools.get(key);
    const other = site === here ? there.site : here.site;
    return pool?.mode === 'image' && pool.peers.some(({ siteName, direction }) => siteName === other && direction !== 'tx');
  });
}

/** P4: what is mirrored at neither site, and what somebody else mirrored and nobody marked; only where the volumes are primary. */
function enabling({ want, volumes, memory }: Situation, truth: Truth, unpeered: readonly Place[]): readonly Step[] {
  const without = new Set(unpeered.map(formatPlace));
  const site = truth.primarySite;
  const missing = volumes.filter(
    (volume) =>
      volume.wanted &&
      !without.has(formatPlace(volume.place)) &&
      (want.sites.every((name) => volume.at[name] === undefined) ||
        (roleAt(volume, site) === 'primary' && markOf(volume) === '')) &&
      !memory.left.has(`enable/${firstOf(volume)}`),
  );
  return byPlace(missing).map(({ place, images }) => ({ do: 'enable', site, place, images }));
}

/** What is primary where it should be, and takes no writes because its promote or demote was killed. */
function finishing({ seen, volumes }: Situation, { primarySite: site, epoch }: Truth): readonly Step[] {
  const half = volumes.filter((volume) => roleAt(volume, site) === 'half');
  return promotes({ site, epoch }, half, verdictAt({ seen }, site));
}

/** P6. The due time is in Ceph: the newest snapshot's. A peer that does not keep up is not given more. */
function snapshots({ want, seen, volumes, memory }: Situation, truth: Truth): readonly Step[] {
  if (want.mode === 'journal' || !isReachable(siteOf(seen, truth.primarySite))) return [];
  const due = volumes
    .filter((volume) => roleAt(volume, truth.primarySite) === 'primary' && !memory.left.has(`snapshot/${firstOf(volume)}`))
    .flatMap((volume) => {
      const at = dueAt(volume, truth.primarySite, want.interval);
      return at !== undefined && at <= seen.now ? [{ volume, at }] : [];
    })
    .toSorted((a, b) => a.at - b.at)
    .slice(0, SNAPSHOTS_AT_ONCE);
  return byPlace(due.map(({ volume }) => volume)).map(({ place, images }) => ({
    do: 'snapshot',
    site: truth.primarySite,
    place,
    images,
  }));
}

/** Milliseconds since the epoch; undefined while the peer has to catch up. */
function dueAt(volume: VolumeSeen, site: string, interval: number): number | undefined {
  const image = volume.at[site];
  const all = image?.detail?.snapshots ?? [];
  // Its first one was taken before there was a peer, and is for nobody.
  if (volume.comparison.reason === 'NeverCopied') return 0;
  if (image === undefined || all.length === 0 || behind(image) >= BEHIND_AT_MOST) return undefined;
  return (all[0]?.at ?? 0) + interval * 1000;
}

function behind({ detail }: ImageFacts): number {
  return (detail?.snapshots ?? []).filter(({ state, waitingPeers }) => state === 'primary' && waitingPeers.length > 0).length;
}

/** At the primary site it stands written that the other one has not seen the forced move. */
function isReturning(seen: Observation, truth: Truth): boolean {
  const { peer } = siteOf(seen, truth.primarySite).truth ?? {};
  return peer !== undefined && peer.epoch < truth.epoch;
}

/** R1 to R3, when the policy says so. I5: only what is not primary is copied anew, from a peer that is and holds the newest epoch. */
function returning({ want, seen, volumes, memory }: Situation, truth: Truth): readonly Step[] {
  if (!isReturning(seen, truth)) return [];
  const winner = truth.primarySite;
  const loser = otherSite(seen, winner).site;
  if (volumes.every((volume) => roleAt(volume, loser) !== 'primary' && volume.comparison.settled)) {
    const peer = { epoch: truth.epoch, primarySite: winner, at: seen.now };
    return [{ do: 'write-truth', site: winner, truth: changed(truth, { peer }, seen.now) }];
  }
  if (!want.resyncOnReturn) return [];
  const superseded = volumes.filter((volume) => roleAt(volume, winner) === 'primary' && volume.at[loser] !== undefined);
  const demote = superseded.filter(
    (volume) => ['primary', 'half'].includes(roleAt(volume, loser) ?? '') && !memory.left.has(`demote/${firstOf(volume)}`),
  );
  const resync = superseded.filter((volume) => canBeResynced(volume, loser) && !memory.left.has(`resync/${firstOf(volume)}`));
  return [
    ...demotes({ site: loser, epoch: truth.epoch }, demote),
    ...byPlace(resync).map(({ place, images }): Step => ({ do: 'resync', site: loser, place, images, epoch: truth.epoch })),
  ];
}

function canBeResynced(volume: VolumeSeen, loser: string): boolean {
  const detail = volume.at[loser]?.detail;
  return detail?.standing.role !== 'primary' && detail?.resyncAsked === false && volume.comparison.state === 'split-brain';
}

function againIn(volumes: readonly VolumeSeen[], { want, seen }: Situation, truth: Truth): number {
  if (want.mode === 'journal') return PASS.most;
  const dues = volumes.flatMap((volume) => dueAt(volume, truth.primarySite, want.interval) ?? []);
  const next = Math.min(...dues.map((at) => (at - seen.now) / 1000), PASS.most);
  return Math.max(PASS.least, next);
}
