/**
 * Volumes that are primary nowhere, or not where the sites agreed: a demote by hand, one of an operator that was held still and went on
 * late, a volume that a forced move had to leave behind. What marks prove to be the newest is promoted, and brought home without loss.
 */
import type { Truth } from '#mirror';
import { markOf, otherSite, roleAt, type VolumeSeen } from './observation.ts';
import type { Situation, Step } from './plan.ts';
import { byPlace, firstOf } from './volumes.ts';

/** `finish`: the promotion was begun and killed; there is nothing more to prove. */
type Verdict = VolumeSeen['comparison']['promote']['here'] | { readonly safe: true; readonly demotion: ''; readonly how: 'finish' };
export type VerdictOf = (volume: VolumeSeen) => Verdict;

export interface Where {
  readonly site: string;
  /** That it is decided under. */
  readonly epoch: number;
}

export function demotes({ site, epoch }: Where, volumes: readonly VolumeSeen[]): readonly Step[] {
  return byPlace(volumes).map(({ place, images }): Step => ({ do: 'demote', site, place, images, epoch }));
}

/** Whether a volume may be promoted at a site without loss. */
export function verdictAt({ seen }: Pick<Situation, 'seen'>, site: string): VerdictOf {
  return (volume) => {
    const { promote } = volume.comparison;
    if (roleAt(volume, site) === 'half') return { safe: true, demotion: '', how: 'finish' };
    return seen.here.site === site ? promote.here : promote.there;
  };
}

/** Of volumes that may be promoted there; others are left out. */
export function promotes({ site, epoch }: Where, volumes: readonly VolumeSeen[], verdictOf: VerdictOf): readonly Step[] {
  return byPlace(volumes).map(({ place, volumes: inPlace }): Step => {
    const images = inPlace.flatMap((volume) => {
      const verdict = verdictOf(volume);
      return verdict.safe ? [{ image: volume.image, demotion: verdict.demotion }] : [];
    });
    return { do: 'promote', site, place, images, epoch };
  });
}

/**
 * What can never arrive at a site: the other one went on from what is there, and was demoted before it was replayed. No daemon
 * copies from a demoted image, so the other site goes on once more, and is demoted again when that has been replayed.
 */
export function promotedOnce(situation: Situation, volumes: readonly VolumeSeen[], { site, epoch }: Where): readonly Step[] {
  const other = otherSite(situation.seen, site).site;
  const [here, there] = [verdictAt(situation, site), verdictAt(situation, other)];
  const stuck = volumes.filter((volume) => {
    const verdict = here(volume);
    return !verdict.safe && verdict.why === 'NotReplayed' && there(volume).safe;
  });
  return promotes({ site: other, epoch }, stuck, there);
}

/**
 * After a forced move what the lost site has beyond its copies is given up: there a demotion of the new primary site's own is the newest
 * that counts, whatever the other one was written.
 */
export function afterForce({ seen }: Situation, home: string): VerdictOf {
  const plain = verdictAt({ seen }, home);
  return (volume) => {
    const verdict = plain(volume);
    const standing = volume.at[home]?.detail?.standing;
    if (verdict.safe || verdict.why !== 'DemotionStale' || standing?.role !== 'demoted' || standing.by === 'peer') return verdict;
    return { safe: true, demotion: standing.mark, how: 'take-back' };
  };
}

/** With both sites in sight, and nothing under way. Volumes without the policy's mark are somebody else's, who knows why they are there. */
export function homing(situation: Situation, { primarySite: home, epoch }: Truth, isReturning: boolean): readonly Step[] {
  const { seen, volumes, memory } = situation;
  const other = otherSite(seen, home).site;
  const verdictOf = isReturning ? afterForce(situation, home) : verdictAt(situation, home);
  const ours = volumes.filter((volume) => markOf(volume) === seen.policy);
  const nowhere = ours.filter(({ comparison }) => comparison.primary === 'nowhere');
  const back = nowhere.filter((volume) => verdictOf(volume).safe && !memory.left.has(`promote/${firstOf(volume)}`));
  const astray = ours.filter((volume) => isWholeAt(volume, home) && !memory.left.has(`demote/${firstOf(volume)}`));
  const promoted = [
    ...promotes({ site: home, epoch }, back, verdictOf),
    ...promotedOnce(situation, nowhere, { site: home, epoch }),
  ];
  // What is being promoted is closed in a later pass, if it still has to be: a demote would undo that.
  const closed = promoted.length > 0 ? [] : [home, other].flatMap((site) => demotes({ site, epoch }, exposed(volumes, site)));
  return [...promoted, ...demotes({ site: other, epoch }, astray), ...closed];
}

/** Primary at the other site alone, and followed here since. */
function isWholeAt(volume: VolumeSeen, home: string): boolean {
  return roleAt(volume, home) === 'secondary' && volume.comparison.state === 'replicating' && volume.comparison.settled;
}

/** What is not primary and takes writes all the same. */
function exposed(volumes: readonly VolumeSeen[], site: string): readonly VolumeSeen[] {
  return volumes.filter(({ at }) => at[site]?.detail?.exposed === true);
}
