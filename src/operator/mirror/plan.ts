/**
 * The steps from what is to what is wanted. Pure: no clock, no cluster. Each pass looks, plans, takes the steps and looks
 * again, so that every "done" is an observation and a crash anywhere is answered by the next pass.
 *
 * Interlocks, by the numbers of docs/disaster-recovery.md; a test tries to break each:
 *   I1 a planned move never becomes a forced one by itself
 *   I2 nothing is forced away from a site that answers and is primary
 *   I3 a loss is accepted for one epoch and up to a bound; the move spends it
 *   I4 what was never copied whole is not promoted
 *   I5 only what is not primary is copied anew, from a peer that is primary with the newest epoch
 *   I6 mirroring ends only where the deletion policy says so
 *   I12 a spec that changes in mid-move is looked at after it: the intent holds the target
 */
import type { Place } from '#lib/handle';
import type { DemotionMark, Truth } from '#mirror';
import { isReachable, newestTruth, type Observation, otherSite, type VolumeSeen, volumesOf } from './observation.ts';
import { planForced } from './plan-forced.ts';
import { planPlanned } from './plan-planned.ts';
import { planSteady } from './plan-steady.ts';
import { planTruth } from './plan-truth.ts';
import type { Want } from './want.ts';

interface OfImages {
  readonly site: string;
  readonly place: Place;
  readonly images: readonly string[];
}

/** `epoch` is of the intent, or of the truth where nothing is under way: the engine refuses what was decided under another one. */
export type Step =
  | { readonly do: 'write-truth'; readonly site: string; readonly truth: Truth }
  | { readonly do: 'peer'; readonly place: Place }
  | ({ readonly do: 'enable' } & OfImages)
  | ({ readonly do: 'snapshot' } & OfImages)
  | ({ readonly do: 'demote'; readonly epoch: number } & OfImages)
  | {
      readonly do: 'promote';
      readonly epoch: number;
      readonly site: string;
      readonly place: Place;
      readonly images: readonly { readonly image: string; readonly demotion: DemotionMark }[];
    }
  /** Both in one: what replays here is cut off, and only once nothing does are the images forced. */
  | ({ readonly do: 'force'; readonly epoch: number } & OfImages)
  | ({ readonly do: 'resync'; readonly epoch: number } & OfImages);

export type Phase =
  | 'Peering'
  | 'InitialSync'
  | 'Steady'
  | 'SwitchingOver'
  | 'FailingOver'
  | 'Degraded'
  | 'Recovering'
  | 'Stale'
  | 'Frozen'
  | 'Blocked';

/** Why nothing moves although it is wanted. */
export interface Blocked {
  readonly reason:
    | 'EpochConflict'
    | 'EpochMismatch'
    | 'SpecStale'
    | 'Frozen'
    | 'PeerUnreachable'
    | 'PeerIsPrimaryAndReachable'
    | 'PeerNotSilentLongEnough'
    | 'LossTooLarge'
    | 'LossUnknown'
    | 'SplitBrain'
    | 'NotReplicating'
    | 'NotSettled'
    | 'SiteUnreachable'
    | 'NoCompleteCopy';
  readonly message: string;
}

export interface Plan {
  readonly phase: Phase;
  /** Of a move: how far. */
  readonly step?: { readonly name: string; readonly done: number; readonly total: number; readonly waitingFor?: string };
  readonly blocked?: Blocked;
  /** In this order; when one cannot be taken the rest waits for the next pass. */
  readonly steps: readonly Step[];
  /** Seconds to the next pass. */
  readonly again: number;
}

/** What the operator knows beyond what can be seen: forgotten at a restart, and nothing depends on it but patience. */
export interface Memory {
  /** `do/place/image` that failed a moment ago, and is left alone for a while. */
  readonly left: ReadonlySet<string>;
  /** Peers are looked at, now and then, although they seem right. */
  readonly peersDue: boolean;
}

/** What all plans are made of. */
export interface Situation {
  readonly want: Want;
  readonly seen: Observation;
  readonly memory: Memory;
  readonly volumes: readonly VolumeSeen[];
}

export function plan(want: Want, seen: Observation, memory: Memory): Plan {
  const situation: Situation = { want, seen, memory, volumes: volumesOf(seen) };
  const truth = newestTruth(seen);
  const first = planTruth(situation, truth);
  if (first !== undefined || truth === undefined) return first ?? { phase: 'Peering', steps: [], again: 5 };
  const { intent } = truth;
  if (intent?.kind === 'forced') return planForced(situation, truth);
  if (intent?.kind === 'planned') {
    return isForced(situation, intent) ? planForced(situation, truth) : planPlanned(situation, truth);
  }
  return want.freeze ? planFrozen(situation, truth) : planWanted(situation, truth);
}

/** Somebody works on it by hand. Copies go on being made; what else would be done is not. */
function planFrozen(situation: Situation, truth: Truth): Plan {
  const { phase, steps, again } = planSteady(situation, truth);
  const { primarySite } = situation.want;
  const message = primarySite === truth.primarySite ? 'nothing is changed' : `the move to ${primarySite} waits`;
  const stopped = phase === 'Degraded' ? phase : 'Frozen';
  return { phase: stopped, blocked: { reason: 'Frozen', message }, steps: steps.filter(isSnapshot), again };
}

/** An object that does not fit what the sites agreed on may be wrong in all else too: of what it says nothing is done. */
function planRefused(situation: Situation, truth: Truth, refused: Required<Pick<Plan, 'phase' | 'blocked'>>): Plan {
  const { steps, again } = planSteady(situation, truth);
  return { ...refused, steps: steps.filter(isSnapshot), again };
}

function isSnapshot(step: Step): boolean {
  return step.do === 'snapshot';
}

/**
 * A site died in the middle of a planned move, and a person accepts the loss: for the epoch that is under way, to where it leads; or for
 * the next one, back to where the volumes came from.
 */
function isForced({ want, seen }: Situation, { to, epoch }: NonNullable<Truth['intent']>): boolean {
  if (isReachable(otherSite(seen, want.primarySite)) || want.accepted?.epoch !== want.epoch) return false;
  return want.primarySite === to ? want.epoch === epoch : want.epoch === epoch + 1;
}

/** Nothing is under way: what the spec asks of what the sites agreed on. */
function planWanted(situation: Situation, truth: Truth): Plan {
  const { want } = situation;
  if (want.epoch < truth.epoch) {
    const message = `this object says epoch ${want.epoch}; the sites are at epoch ${truth.epoch}, primary at ${truth.primarySite}`;
    return planRefused(situation, truth, { phase: 'Stale', blocked: { reason: 'SpecStale', message } });
  }
  if (want.primarySite === truth.primarySite) return planSteady(situation, truth);
  if (want.epoch !== truth.epoch + 1) {
    const message = `a move to ${want.primarySite} needs epoch ${truth.epoch + 1}, and not ${want.epoch}`;
    return planRefused(situation, truth, { phase: 'Blocked', blocked: { reason: 'EpochMismatch', message } });
  }
  return want.accepted?.epoch === want.epoch ? planForced(situation, truth) : planPlanned(situation, truth);
}
