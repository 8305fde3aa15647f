/** What comes before everything else: that the sites agree on who is primary, or that they do not. */
import type { Truth } from '#mirror';
import { isReachable, type Observation, type SiteSeen } from './observation.ts';
import type { Plan, Situation, Step } from './plan.ts';

const UPDATED_BY = 'loligo operator';

/** Undefined when the sites that answer agree, and there is something that they agree on. */
export function planTruth({ want, seen }: Situation, truth: Truth | undefined): Plan | undefined {
  const { here, there } = seen;
  if (truth === undefined) return establish(want, seen);
  if (isConflict(here.truth, there.truth)) {
    const said = [here, there].map(({ site, truth: own }) => `${site} says ${own?.primarySite}`).join(', ');
    const message = `both sites hold epoch ${truth.epoch}, and ${said}: a person has to decide`;
    return { phase: 'Blocked', blocked: { reason: 'EpochConflict', message }, steps: [], again: 5 };
  }
  const steps = [here, there].filter((site) => isBehind(site, truth)).map((site) => writeTruth(seen, site.site, truth));
  if (steps.length > 0) return { phase: phaseOf(truth), steps, again: 0 };
  return undefined;
}

function establish(want: Situation['want'], seen: Observation): Plan {
  const absent = [seen.here, seen.there].find((site) => !isReachable(site));
  if (absent !== undefined) {
    // One site alone cannot know what the two agreed on.
    const why = absent.failure?.message ?? '';
    const message = `${absent.site}: ${why}; one site alone does not know who is primary`;
    return { phase: 'Peering', blocked: { reason: 'SiteUnreachable', message }, steps: [], again: 5 };
  }
  const truth: Truth = {
    epoch: want.epoch,
    primarySite: want.primarySite,
    specHash: want.specHash,
    intent: undefined,
    peer: { epoch: want.epoch, primarySite: want.primarySite, at: seen.now },
    updatedBy: UPDATED_BY,
    updatedAt: seen.now,
  };
  return { phase: 'Peering', steps: [seen.here, seen.there].map(({ site }) => ({ do: 'write-truth', site, truth })), again: 0 };
}

function isConflict(a: Truth | undefined, b: Truth | undefined): boolean {
  return a !== undefined && b !== undefined && a.epoch === b.epoch && a.primarySite !== b.primarySite;
}

/** It answers, and holds an older epoch, or none, or not yet (or still) the intent. */
function isBehind(site: SiteSeen, truth: Truth): boolean {
  if (!isReachable(site)) return false;
  if (site.truth === undefined || site.truth.epoch < truth.epoch) return true;
  return truth.intent !== undefined && site.truth.intent?.epoch !== truth.intent.epoch;
}

/** R0: what the newest one says. That a site was away when it was forced stays written at the other one until it is whole again. */
function writeTruth(seen: Observation, site: string, truth: Truth): Step {
  const { epoch, primarySite } = truth;
  return { do: 'write-truth', site, truth: changed(truth, { peer: { epoch, primarySite, at: seen.now } }, seen.now) };
}

function phaseOf({ intent }: Truth): Plan['phase'] {
  if (intent === undefined) return 'Recovering';
  return intent.kind === 'forced' ? 'FailingOver' : 'SwitchingOver';
}

/** A truth with something else in it. */
export function changed(truth: Truth, change: Partial<Truth>, now: number): Truth {
  return { ...truth, ...change, updatedBy: UPDATED_BY, updatedAt: now };
}
