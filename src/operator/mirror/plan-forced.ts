/**
 * The forced move: the other site is taken for lost. It takes a person's acceptance, for this one epoch and up to a bound, and a
 * site that has been silent for a while; a site that answers and is primary is never forced away from.
 *
 *   F0 intent here   F1 what replays here is cut off   F2 force, never broken off   F3 commit here
 *
 * What F1 and F2 are is one step: the engine refuses to force while something still replays. Should the other site come back
 * in mid-move, what is left is moved as planned, without loss.
 */
import type { Intent, Truth } from '#mirror';
import { formatDuration } from './duration.ts';
import { isReachable, otherSite, roleAt, type SiteSeen, siteOf, type VolumeSeen } from './observation.ts';
import type { Blocked, Plan, Situation, Step } from './plan.ts';
import { commit, moveOn } from './plan-planned.ts';
import { planSteady } from './plan-steady.ts';
import { changed } from './plan-truth.ts';
import { byPlace, firstOf } from './volumes.ts';

/** A site that does not answer counts as lost after so many looks, over so many milliseconds. */
const SILENT = { looks: 3, ms: 15_000 };

export function planForced(situation: Situation, truth: Truth): Plan {
  const { intent } = truth;
  return intent?.kind === 'forced' ? goOn(situation, truth, intent) : begin(situation, truth);
}

function begin(situation: Situation, truth: Truth): Plan {
  const { want, seen } = situation;
  const blocked = refusal(situation);
  if (blocked !== undefined) {
    const steps = truth.intent === undefined ? planSteady(situation, truth).steps : [];
    return { phase: 'Blocked', blocked, steps, again: 2 };
  }
  const intent: Intent = {
    kind: 'forced',
    to: want.primarySite,
    epoch: want.epoch,
    since: seen.now,
    acceptedLoss: want.accepted?.upTo,
  };
  const next = changed(truth, { intent, specHash: want.specHash }, seen.now);
  const step = { name: 'Intent', done: 0, total: situation.volumes.length };
  return { phase: 'FailingOver', step, steps: [{ do: 'write-truth', site: want.primarySite, truth: next }], again: 0 };
}

/** I2, I3: why it is not forced. */
function refusal({ want, seen, volumes }: Situation): Blocked | undefined {
  const [to, lost] = [siteOf(seen, want.primarySite), otherSite(seen, want.primarySite)];
  if (!isReachable(to)) return { reason: 'SiteUnreachable', message: `${to.site} does not answer: ${to.failure?.message ?? ''}` };
  if (isReachable(lost)) {
    const message = `${lost.site} answers: without acceptDataLoss this is a planned move, which loses nothing`;
    return { reason: 'PeerIsPrimaryAndReachable', message };
  }
  if (!isSilent(lost, seen.now)) {
    return {
      reason: 'PeerNotSilentLongEnough',
      message: `${lost.site} is not silent for long enough: ${lost.failure?.message ?? ''}`,
    };
  }
  return lossRefusal(want.accepted, toForce(volumes, to.site));
}

function isSilent({ silent }: SiteSeen, now: number): boolean {
  return silent !== undefined && silent.looks >= SILENT.looks && now - silent.since >= SILENT.ms;
}

function lossRefusal(accepted: Situation['want']['accepted'], volumes: readonly VolumeSeen[]): Blocked | undefined {
  const upTo = accepted?.upTo ?? 0;
  const larger = volumes.filter(({ comparison: { lossIfForced } }) => lossIfForced !== undefined && lossIfForced > upTo);
  const worst = larger.toSorted((a, b) => (b.comparison.lossIfForced ?? 0) - (a.comparison.lossIfForced ?? 0))[0];
  if (worst !== undefined) {
    const loss = formatDuration(worst.comparison.lossIfForced ?? 0);
    return {
      reason: 'LossTooLarge',
      message: `${larger.length} volumes would lose more than ${formatDuration(upTo)}: ${firstOf(worst)} ${loss}`,
    };
  }
  const unknown = volumes.filter(({ comparison: { lossIfForced } }) => lossIfForced === undefined);
  if (unknown[0] === undefined || accepted?.unknown === true) return undefined;
  return { reason: 'LossUnknown', message: `nobody can tell the loss of ${unknown.length} volumes, first ${firstOf(unknown[0])}` };
}

/** I4: what is whole at the site (a copy, or what was demoted there), and is not primary there yet. */
function toForce(volumes: readonly VolumeSeen[], site: string): readonly VolumeSeen[] {
  return volumes.filter((volume) => {
    const image = volume.at[site];
    const role = roleAt(volume, site);
    if (image?.detail === undefined || role === 'primary') return false;
    const { standing, snapshots } = image.detail;
    if (role === 'half' || image.mode === 'journal' || (standing.role === 'demoted' && standing.complete)) return true;
    return snapshots.some(({ state, complete }) => complete && state.startsWith('non-primary'));
  });
}

function goOn(situation: Situation, truth: Truth, intent: Intent): Plan {
  const { seen, volumes, memory } = situation;
  const [to, lost] = [siteOf(seen, intent.to), otherSite(seen, intent.to)];
  if (!isReachable(to)) {
    const blocked: Blocked = { reason: 'SiteUnreachable', message: `${to.site} does not answer: ${to.failure?.message ?? ''}` };
    return { phase: 'Blocked', blocked, steps: [], again: 2 };
  }
  if (isReachable(lost)) {
    const movable = volumes.filter(({ at }) => at[to.site] !== undefined);
    return moveOn({ situation, truth, intent, from: lost.site, movable });
  }
  const forced = volumes.filter((volume) => roleAt(volume, to.site) === 'primary');
  // One that could not be forced a moment ago must not keep the others from being used.
  const left = toForce(volumes, to.site).filter((volume) => !memory.left.has(`force/${firstOf(volume)}`));
  const total = forced.length + left.length;
  if (left.length > 0) {
    const steps = byPlace(left).map(
      ({ place, images }): Step => ({ do: 'force', site: to.site, place, images, epoch: intent.epoch }),
    );
    return { phase: 'FailingOver', step: { name: 'Force', done: forced.length, total }, steps, again: 0.5 };
  }
  return { phase: 'FailingOver', step: { name: 'Commit', done: total, total }, steps: commit(situation, truth, intent), again: 0 };
}
