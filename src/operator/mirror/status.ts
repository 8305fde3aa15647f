/** What a pass found, as the status of a policy. Pure. */
import type { Truth } from '#mirror';
import type { MirrorPolicyStatus } from '../resources/index.ts';
import { camelCase, type Found } from '../runtime/index.ts';
import type { Refused } from './act.ts';
import { formatBytes } from './behind.ts';
import { formatDuration } from './duration.ts';
import { isReachable, newestTruth, type Observation, type SiteSeen, type VolumeSeen } from './observation.ts';
import type { Plan } from './plan.ts';
import { precheck } from './plan-planned.ts';
import { firstOf } from './volumes.ts';
import type { Want } from './want.ts';

export interface Passed {
  readonly want: Want;
  readonly seen: Observation;
  readonly volumes: readonly VolumeSeen[];
  readonly plan: Plan;
  /** What could not be done, of this pass and of those shortly before. */
  readonly refused: readonly Refused[];
  readonly lastMove: MirrorPolicyStatus['lastMove'];
  /** Bytes; undefined where nobody can tell. */
  readonly behind: bigint | undefined;
}

/** What a pass takes, with both sites in reach. */
const PASS_SECONDS = 1;

type Report = Omit<MirrorPolicyStatus, 'conditions' | 'observedGeneration'> & { readonly conditions: readonly Found[] };

export function statusOf(passed: Passed): Report {
  const { seen, volumes, plan, lastMove, behind } = passed;
  const truth = newestTruth(seen);
  const lags = lagsOf(volumes);
  return {
    ...(truth === undefined ? {} : { primarySite: truth.primarySite, epoch: truth.epoch }),
    phase: plan.phase,
    ...stepOf(passed),
    sites: [seen.here, seen.there].map(siteStatus),
    volumes: countOf(volumes),
    ...(lags === undefined ? {} : { lag: { ...lags, ...(behind === undefined ? {} : { behind: formatBytes(behind) }) } }),
    lossIfForced: lossOf(volumes, plan.again),
    ...(lastMove === undefined ? {} : { lastMove }),
    conditions: conditionsOf(passed, truth),
  };
}

function stepOf({ plan: { step }, refused }: Passed): Pick<Report, 'step'> {
  if (step === undefined) return {};
  const [first] = refused;
  const { name, done, total } = step;
  const waitingFor = step.waitingFor ?? (first && `${first.volume}: ${first.reason}: ${first.message}`);
  return { step: { name, done, total, ...(waitingFor === undefined ? {} : { blockedBy: waitingFor }) } };
}

function siteStatus({ site, failure, answeredAt, truth, pools }: SiteSeen): NonNullable<MirrorPolicyStatus['sites']>[number] {
  const [pool] = pools.values();
  if (failure !== undefined) {
    const lastSeen = answeredAt === undefined ? {} : { lastSeen: new Date(answeredAt).toISOString().replace(/\.\d+Z$/, 'Z') };
    return { name: site, reachable: false, message: `${failure.reason}: ${failure.message}`, ...lastSeen };
  }
  return {
    name: site,
    reachable: true,
    ...(pool === undefined ? {} : { fsid: pool.fsid, daemons: pool.daemons.length }),
    ...(truth === undefined ? {} : { epoch: truth.epoch }),
  };
}

function countOf(volumes: readonly VolumeSeen[]): NonNullable<MirrorPolicyStatus['volumes']> {
  const count = (state: VolumeSeen['comparison']['state']): number =>
    volumes.filter(({ comparison }) => comparison.state === state).length;
  const replicating = count('replicating');
  return {
    selected: volumes.length,
    replicating,
    syncing: count('syncing'),
    failed: count('failed'),
    splitBrain: count('split-brain'),
    unprotected: count('unprotected'),
    summary: `${replicating}/${volumes.length}`,
  };
}

function lagsOf(volumes: readonly VolumeSeen[]): MirrorPolicyStatus['lag'] {
  const known = volumes
    .flatMap((volume) => (volume.comparison.lag === undefined ? [] : [{ volume, lag: volume.comparison.lag }]))
    .toSorted((a, b) => a.lag - b.lag);
  const [worst, middle] = [known.at(-1), known[Math.floor((known.length - 1) / 2)]];
  if (worst === undefined || middle === undefined) return undefined;
  return { max: formatDuration(worst.lag), p50: formatDuration(middle.lag), worst: firstOf(worst.volume) };
}

/**
 * Of all, or that nobody can tell: a sum that leaves out what is not known would be a promise. It is read until the next pass has
 * written another one, so it says what would be lost by then.
 */
function lossOf(volumes: readonly VolumeSeen[], again: number): string {
  const losses = volumes.map(({ comparison }) => comparison.lossIfForced);
  if (losses.some((loss) => loss === undefined)) return 'unknown';
  const loss = Math.max(0, ...losses.map((one) => one ?? 0));
  return formatDuration(loss === 0 ? 0 : loss + again + PASS_SECONDS);
}

function conditionsOf(passed: Passed, truth: Truth | undefined): readonly Found[] {
  const blocked = passed.plan.blocked;
  return [
    peerReady(passed),
    replicating(passed),
    rpoMet(passed),
    truth === undefined ? found('SafeToSwitchover', false, 'NotPeered', '') : safeToSwitchover(passed, truth),
    splitBrain(passed),
    blocked === undefined ? found('Blocked', false, 'NotBlocked', '') : found('Blocked', true, blocked.reason, blocked.message),
  ];
}

function peerReady({ seen, plan, refused }: Passed): Found {
  const absent = [seen.here, seen.there].find((site) => !isReachable(site));
  if (absent?.failure !== undefined) {
    return found('PeerReady', false, 'SiteUnreachable', `${absent.site}: ${absent.failure.reason}: ${absent.failure.message}`);
  }
  const failed = refused.find(({ step }) => step === 'peer');
  if (failed !== undefined) return found('PeerReady', false, camelCase(failed.reason), `${failed.volume}: ${failed.message}`);
  return plan.phase === 'Peering' ? found('PeerReady', false, 'Peering', '') : found('PeerReady', true, 'Ready', '');
}

function replicating({ volumes, refused }: Passed): Found {
  const not = volumes.filter(({ comparison }) => comparison.state !== 'replicating');
  const [first] = not;
  if (first === undefined) return found('Replicating', true, 'AllReplicating', '');
  const why = refused.find(({ volume }) => volume === firstOf(first));
  const said = why === undefined ? first.comparison.reason : `${why.reason}: ${why.message}`;
  return found(
    'Replicating',
    false,
    first.comparison.reason,
    `${not.length} of ${volumes.length}, first ${firstOf(first)}: ${said}`,
  );
}

function rpoMet({ want, volumes }: Passed): Found {
  const over = volumes.filter(({ comparison: { lossIfForced } }) => lossIfForced === undefined || lossIfForced > want.rpo);
  const [first] = over;
  if (first === undefined) return found('RPOMet', true, 'Met', '');
  const { lossIfForced } = first.comparison;
  const loss = lossIfForced === undefined ? 'nobody can tell' : formatDuration(lossIfForced);
  return found('RPOMet', false, 'Exceeded', `${over.length} volumes, first ${firstOf(first)}: ${loss}`);
}

function safeToSwitchover(passed: Passed, truth: Truth): Found {
  if (truth.intent !== undefined) return found('SafeToSwitchover', false, 'MoveUnderWay', `to ${truth.intent.to}`);
  const blocked = precheck({ ...passed, memory: { left: new Set(), peersDue: false } }, truth);
  return blocked === undefined
    ? found('SafeToSwitchover', true, 'Safe', '')
    : found('SafeToSwitchover', false, blocked.reason, blocked.message);
}

function splitBrain({ volumes }: Passed): Found {
  const split = volumes.filter(({ comparison }) => comparison.state === 'split-brain');
  const [first] = split;
  if (first === undefined) return found('SplitBrain', false, 'None', '');
  return found(
    'SplitBrain',
    true,
    first.comparison.reason,
    `${split.length} volumes, first ${firstOf(first)}: ${first.comparison.message}`,
  );
}

function found(type: string, holds: boolean, reason: string, message: string): Found {
  return { type, status: holds ? 'True' : 'False', reason, message };
}
