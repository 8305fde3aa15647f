/**
 * The planned move: nothing is lost, and nothing is ever forced.
 *
 *   S0 intent at both sites   S1 everything is replicating and settled, or nothing begins
 *   S3 demote                 S4 wait until each demotion has arrived whole
 *   S5 promote, un-forced     S6 commit at both sites        (S8, settling, is what the next S1 and S3 ask for)
 *
 * Until the first promote it can be taken back: by the next epoch with the site that still is the primary one. After
 * that it only goes forward.
 */
import type { Intent, Truth } from '#mirror';
import { isReachable, otherSite, roleAt, type VolumeSeen } from './observation.ts';
import type { Blocked, Plan, Situation, Step } from './plan.ts';
import { afterForce, demotes, promotedOnce, promotes, verdictAt } from './plan-home.ts';
import { planSteady } from './plan-steady.ts';
import { changed } from './plan-truth.ts';
import { firstOf } from './volumes.ts';

const SOON = 0.2; // seconds

/** A move that is to begin, or that has an intent. */
export function planPlanned(situation: Situation, truth: Truth): Plan {
  return truth.intent === undefined ? begin(situation, truth) : goOn(situation, truth, truth.intent);
}

function begin(situation: Situation, truth: Truth): Plan {
  const { want, seen } = situation;
  const blocked = precheck(situation, truth);
  if (blocked !== undefined) return { ...planSteady(situation, truth), phase: 'Blocked', blocked, again: 2 };
  const intent: Intent = { kind: 'planned', to: want.primarySite, epoch: want.epoch, since: seen.now, acceptedLoss: undefined };
  const next = changed(truth, { intent, specHash: want.specHash }, seen.now);
  const steps = [seen.here, seen.there].map(({ site }): Step => ({ do: 'write-truth', site, truth: next }));
  return { phase: 'SwitchingOver', step: { name: 'Intent', done: 0, total: situation.volumes.length }, steps, again: 0 };
}

/** S1. What keeps a planned move from beginning; looked at again until the first volume is demoted. */
export function precheck({ seen, volumes }: Situation, truth: Truth): Blocked | undefined {
  const absent = [seen.here, seen.there].find((site) => !isReachable(site));
  if (absent !== undefined) {
    const message = `${absent.site} does not answer: ${absent.failure?.message ?? ''}; without it only a forced move is possible`;
    return { reason: 'PeerUnreachable', message };
  }
  const split = volumes.find(({ comparison }) => comparison.state === 'split-brain');
  if (split !== undefined) return { reason: 'SplitBrain', message: `${firstOf(split)}: ${split.comparison.message}` };
  const astray = volumes.find((volume) => roleAt(volume, truth.primarySite) !== 'primary');
  if (astray !== undefined)
    return { reason: 'NotReplicating', message: `${firstOf(astray)} is not primary at ${truth.primarySite}` };
  const lacking = volumes.filter(({ comparison }) => comparison.state !== 'replicating');
  if (lacking[0] !== undefined) {
    const { comparison } = lacking[0];
    return { reason: 'NotReplicating', message: `${lacking.length} volumes, first ${firstOf(lacking[0])}: ${comparison.reason}` };
  }
  const unsettled = volumes.filter(({ comparison }) => !comparison.settled);
  if (unsettled[0] === undefined) return undefined;
  const message = `${unsettled.length} volumes, first ${firstOf(unsettled[0])}, are not yet replayed since the last promotion`;
  return { reason: 'NotSettled', message };
}

function goOn(situation: Situation, truth: Truth, intent: Intent): Plan {
  const { want, seen, volumes } = situation;
  const from = otherSite(seen, intent.to).site;
  const movable = volumes.filter(({ at }) => at[from] !== undefined || at[intent.to] !== undefined);
  const moved = movable.filter((volume) => roleAt(volume, intent.to) === 'primary');
  const isTakenBack = want.epoch > intent.epoch && want.primarySite === from;
  const absent = [seen.here, seen.there].find((site) => !isReachable(site));
  if (absent !== undefined) {
    const step = { name: 'Wait', done: moved.length, total: movable.length };
    const message = `${absent.site} does not answer in the middle of a planned move: ${absent.failure?.message ?? ''}`;
    return { phase: 'Blocked', step, blocked: { reason: 'PeerUnreachable', message }, steps: [], again: 2 };
  }
  if (isTakenBack && moved.length === 0) return turnRound(situation, truth, intent);
  const isUntouched = movable.every((volume) => roleAt(volume, from) === 'primary');
  const blocked = isUntouched && movable.length > 0 ? precheck(situation, truth) : undefined;
  if (blocked !== undefined) return { phase: 'Blocked', blocked, steps: [], again: 2 };
  return moveOn({ situation, truth, intent, from, movable });
}

interface Move {
  readonly situation: Situation;
  readonly truth: Truth;
  readonly intent: Intent;
  readonly from: string;
  readonly movable: readonly VolumeSeen[];
}

/** S3 to S6; also what remains of a forced move whose other site has come back. */
export function moveOn(move: Move): Plan {
  const { situation, truth, intent, from, movable } = move;
  const phase = intent.kind === 'forced' ? 'FailingOver' : 'SwitchingOver';
  const total = movable.length;
  const split = movable.find(({ comparison }) => comparison.primary === 'both');
  if (split !== undefined && intent.kind === 'planned') {
    const message = `${firstOf(split)} is primary at both sites`;
    return { phase: 'Blocked', blocked: { reason: 'SplitBrain', message }, steps: [], again: 2 };
  }
  const rest = movable.filter((volume) => roleAt(volume, intent.to) !== 'primary');
  if (rest.length === 0) {
    return { phase, step: { name: 'Commit', done: total, total }, steps: commit(situation, truth, intent), again: 0 };
  }
  // One whose promotion was begun is promoted, whatever the other site has: by force, that is primary there too.
  const toDemote = rest.filter(
    (volume) => roleAt(volume, intent.to) !== 'half' && ['primary', 'half'].includes(roleAt(volume, from) ?? ''),
  );
  if (toDemote.length > 0) return { phase, ...demoteReplayed(move, toDemote), again: SOON };
  const once = promotedOnce(situation, rest, { site: intent.to, epoch: intent.epoch });
  if (once.length > 0) return { phase, step: { name: 'GoBack', done: total - rest.length, total }, steps: once, again: SOON };
  return { phase, ...promoteArrived(move, rest), again: SOON };
}

/** S3. Demoted before it is replayed since its last promotion, a volume could be promoted nowhere else. */
function demoteReplayed({ from, movable, intent }: Move, toDemote: readonly VolumeSeen[]): Pick<Plan, 'step' | 'steps'> {
  const total = movable.length;
  const ready = toDemote.filter(({ comparison }) => comparison.settled);
  const [late] = toDemote.filter(({ comparison }) => !comparison.settled);
  if (ready.length === 0 && late !== undefined) {
    const waitingFor = `${firstOf(late)}: ${late.comparison.reason}: not yet replayed since the last promotion`;
    return { step: { name: 'AwaitReplay', done: total - toDemote.length, total, waitingFor }, steps: [] };
  }
  const steps = demotes({ site: from, epoch: intent.epoch }, ready);
  return { step: { name: 'Demote', done: total - toDemote.length, total }, steps };
}

/** S4 and S5. Nothing is promoted before everything has arrived: until then the move can be taken back. */
function promoteArrived({ situation, intent, movable }: Move, rest: readonly VolumeSeen[]): Pick<Plan, 'step' | 'steps'> {
  const verdictOf = (intent.kind === 'forced' ? afterForce : verdictAt)(situation, intent.to);
  const total = movable.length;
  const moved = total - rest.length;
  const ready = rest.filter((volume) => verdictOf(volume).safe);
  const late = rest.find((volume) => !verdictOf(volume).safe);
  if (late !== undefined && (moved === 0 || ready.length === 0)) {
    const verdict = verdictOf(late);
    const waitingFor = `${firstOf(late)}: ${verdict.safe ? '' : verdict.why}`;
    return { step: { name: 'AwaitPropagation', done: moved + ready.length, total, waitingFor }, steps: [] };
  }
  return {
    step: { name: 'Promote', done: moved, total },
    steps: promotes({ site: intent.to, epoch: intent.epoch }, ready, verdictOf),
  };
}

/**
 * S6, the new primary site first: whoever reads one of the two reads the move as done. After a forced one the other site is told by
 * itself (plan-truth.ts); that it had not seen it stays written down until its copies are whole again.
 */
export function commit({ seen }: Situation, truth: Truth, intent: Intent): readonly Step[] {
  const done = { epoch: intent.epoch, primarySite: intent.to };
  if (intent.kind === 'forced') {
    const peer = { epoch: truth.epoch, primarySite: truth.primarySite, at: seen.now };
    return [{ do: 'write-truth', site: intent.to, truth: changed(truth, { ...done, intent: undefined, peer }, seen.now) }];
  }
  const next = changed(truth, { ...done, intent: undefined, peer: { ...done, at: seen.now } }, seen.now);
  return [intent.to, otherSite(seen, intent.to).site].map((site) => ({ do: 'write-truth', site, truth: next }));
}

/**
 * Before the first promote: the move goes the other way. It is written down first where it led to: an operator that does not know of it
 * promotes nothing there any more.
 */
function turnRound({ want, seen, volumes }: Situation, truth: Truth, { to: never }: Intent): Plan {
  const intent: Intent = { kind: 'planned', to: want.primarySite, epoch: want.epoch, since: seen.now, acceptedLoss: undefined };
  const next = changed(truth, { intent, specHash: want.specHash }, seen.now);
  const steps = [never, want.primarySite].map((site): Step => ({ do: 'write-truth', site, truth: next }));
  return { phase: 'SwitchingOver', step: { name: 'TurnRound', done: 0, total: volumes.length }, steps, again: 0 };
}
