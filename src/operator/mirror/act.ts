/** Takes the steps of a plan. Each is safe to repeat; what became of it shows in the next look, and not here. */
import { Failure, type FailureKind } from '#lib/failure';
import { formatPlace } from '#lib/handle';
import type { Log } from '#lib/scope';
import type { ImageOutcome } from '#rbd';
import { type Observation, siteOf } from './observation.ts';
import { ensurePeers } from './peering.ts';
import type { Step } from './plan.ts';
import { readTruth } from './read-truth.ts';
import type { Sites } from './sites.ts';
import type { Want } from './want.ts';

export interface Acting {
  readonly sites: Sites;
  readonly want: Want;
  readonly seen: Observation;
  readonly log: Log;
}

/** An image that a step could not be taken on. */
export interface Refused {
  readonly step: Step['do'];
  /** `pool/image` */
  readonly volume: string;
  readonly reason: string;
  readonly message: string;
  /** It may be otherwise in a moment. */
  readonly passing: boolean;
}

/** Milliseconds for one step on many images; what could not be begun by then is begun by the next pass. */
const STEP_MS = 20_000;

/** Throws `Failure` for what concerns the whole site. */
export async function act(acting: Acting, step: Step): Promise<readonly Refused[]> {
  const { sites, want, log } = acting;
  if (step.do === 'peer') {
    await ensurePeers(acting, step.place);
    return [];
  }
  const engine = sites.engineAt(want.cluster, step.site);
  const scope = { deadline: Date.now() + STEP_MS, log };
  const policy = { policy: want.policy, home: want.home };
  switch (step.do) {
    case 'write-truth':
      await writeTruth(acting, step);
      return [];
    case 'enable': {
      const { place, images } = step;
      return refused(step, await engine.enableMirroring({ place, images, mode: want.mode, parents: want.parents, policy }, scope));
    }
    case 'snapshot':
      return refused(step, await engine.takeMirrorSnapshots({ place: step.place, images: step.images }, scope));
    case 'demote':
      return refused(
        step,
        await engine.demoteImages({ place: step.place, images: step.images, decided: { policy, epoch: step.epoch } }, scope),
      );
    case 'promote':
      return refused(
        step,
        await engine.promoteImages({ place: step.place, images: step.images, decided: { policy, epoch: step.epoch } }, scope),
      );
    case 'force':
      return await force(acting, step);
    case 'resync':
      return refused(step, await engine.resyncImages({ place: step.place, images: step.images, policy, epoch: step.epoch }, scope));
  }
}

/** By compare-and-set against what was seen: when somebody else was faster nothing is written, and the next pass sees it. */
async function writeTruth(
  { sites, want, seen, log }: Acting,
  { site, truth }: Extract<Step, { do: 'write-truth' }>,
): Promise<void> {
  const engine = sites.engineAt(want.cluster, site);
  const scope = { deadline: Date.now() + STEP_MS, log };
  const ref = { policy: want.policy, home: want.home };
  const now = await readTruth(engine, ref, scope);
  const before = siteOf(seen, site).truth;
  if (now.truth?.epoch !== before?.epoch || now.truth?.updatedAt !== before?.updatedAt) {
    throw new Failure('busy', 'TRUTH_CHANGED', `${site}: somebody else changed what the sites agree on`);
  }
  await engine.changeMirrorTruth({ ...ref, revision: now.revision, to: truth }, scope);
  log.info({ policy: want.policy, site, epoch: truth.epoch, primary: truth.primarySite, intent: truth.intent }, 'written down');
}

/** F1 and F2. What still replays is cut off; only once nothing does are the images forced. */
async function force({ sites, want, log }: Acting, step: Extract<Step, { do: 'force' }>): Promise<readonly Refused[]> {
  const { place, images, epoch } = step;
  const engine = sites.engineAt(want.cluster, step.site);
  const scope = { deadline: Date.now() + STEP_MS, log };
  const { cutOff, stillWatching } = await engine.stopReplay({ place, images }, scope);
  if (cutOff.length > 0) log.warn({ place: formatPlace(place), cutOff }, 'mirror daemons were cut off: restart them');
  if (stillWatching.length > 0) {
    throw new Failure('busy', 'REPLAYER_ATTACHED', `${stillWatching.join(', ')} still replays; it is waited for`);
  }
  const policy = { policy: want.policy, home: want.home };
  const outcomes = await engine.forcePromoteImages({ place, images, policy, epoch }, scope);
  if (cutOff.length > 0) await engine.allowReplay({ addresses: cutOff }, scope);
  return refused(step, outcomes);
}

/** What may be otherwise in a moment, without anybody doing something about it. */
export function isPassing(kind: FailureKind): boolean {
  return kind === 'busy' || kind === 'unreachable' || kind === 'unfinished';
}

function refused(step: Exclude<Step, { do: 'write-truth' | 'peer' }>, outcomes: readonly ImageOutcome[]): readonly Refused[] {
  return outcomes.flatMap(({ image, failure }) => {
    if (failure === undefined) return [];
    const { kind, reason, message } = failure;
    return [{ step: step.do, volume: `${formatPlace(step.place)}/${image}`, reason, message, passing: isPassing(kind) }];
  });
}
