/**
 * The reconciler of MirrorPolicy: look at both sites, plan, take the steps, say what is so. What it keeps in memory is patience and
 * the times of snapshots; nothing else depends on what it did before.
 */
import { Failure } from '#lib/failure';
import { formatPlace, formatVolume } from '#lib/handle';
import type { Log } from '#lib/scope';
import { type MirrorPoint, rememberPoints } from '#mirror';
import type { MirrorPolicy } from '../resources/index.ts';
import { type Outcome, type Pass, type Reconciler, settled, waiting } from '../runtime/index.ts';
import { act, isPassing, type Refused } from './act.ts';
import { BytesBehind } from './behind.ts';
import { type KeepSettings, keepObjects, ObjectsMemory } from './keep-objects.ts';
import { SiteLook } from './look.ts';
import { isReachable, newestTruth, type Observation, roleAt, siteOf, type VolumeSeen, volumesOf } from './observation.ts';
import { type Memory, type Plan, plan, type Step } from './plan.ts';
import { endMirroring } from './retire.ts';
import { type ClusterObjects, type Selected, selectByClaims } from './select.ts';
import type { Sites } from './sites.ts';
import { statusOf } from './status.ts';
import { type VolumeObjects, writeVolumes } from './volume-objects.ts';
import { readPolicy, type Want } from './want.ts';

export interface MirrorSettings {
  readonly sites: Sites;
  readonly objects: ClusterObjects;
  readonly volumes: VolumeObjects;
  /** How objects of volumes are kept and built. */
  readonly keep: KeepSettings;
  readonly log: Log;
  /** Told of each pass over a policy, for metrics. */
  readonly seen: (policy: string, volumes: readonly VolumeSeen[], epoch: number) => void;
}

const PEERS_EVERY_MS = 10 * 60_000;
const LISTING_EVERY_MS = 30_000;
const LISTING_MS = 20_000;
const BEHIND_MS = 5000;
/** An image that a step was refused on is left alone for so long: what passes by itself, and what somebody has to change. */
/** Seconds to the next pass after a step that could not be taken. */
const AFTER_FAILURE = 0.5;
const LEFT_MS = { passing: 5000, lasting: 60_000 };

/** Of one policy, for as long as this process leads. */
class PolicyMemory {
  readonly looks = new Map<string, SiteLook>();
  readonly points = new Map<string, readonly MirrorPoint[]>();
  readonly left = new Map<string, { readonly refused: Refused; readonly until: number }>();
  readonly objects = new ObjectsMemory();
  listed: { readonly at: number; readonly selected: readonly Selected[] } = { at: 0, selected: [] };
  readonly behind = new BytesBehind();
  listing: Promise<void> | undefined;
  peersAt = 0;
  /** What a forced move that was begun would lose, as it was shown. */
  lossShown = '';
}

export class MirrorReconciler implements Reconciler<MirrorPolicy> {
  readonly #settings: MirrorSettings;
  readonly #memories = new Map<string, PolicyMemory>();

  constructor(settings: MirrorSettings) {
    this.#settings = settings;
  }

  async reconcile(policy: MirrorPolicy, pass: Pass): Promise<Outcome> {
    const want = readPolicy(policy);
    this.#checkSites(want);
    const memory = this.#memory(policy);
    const selected = await this.#select(policy, memory);
    const seen = await this.#look(want, memory, selected);
    const planned = plan(want, seen, this.#planMemory(memory));
    const allTaken = await this.#take({ want, seen, memory, pass }, planned);
    await this.#tell({ policy, want, seen, memory, selected, pass }, planned);
    return waiting(allTaken ? planned.again : Math.max(planned.again, AFTER_FAILURE));
  }

  /** Retain leaves everything as it is. A move that is under way is ended first: volumes that are primary nowhere serve nobody. */
  async retire(policy: MirrorPolicy, pass: Pass): Promise<Outcome> {
    const want = readPolicy(policy);
    // What the status says is enough to know that nothing is under way: a policy must go also when no site answers.
    if (!want.disableOnDelete && policy.status?.step === undefined) return this.#forget(policy);
    const seen = await this.#look(want, this.#memory(policy), []);
    if (newestTruth(seen)?.intent !== undefined) return await this.reconcile(policy, pass);
    if (!want.disableOnDelete) return this.#forget(policy);
    const absent = [seen.here, seen.there].find(({ failure }) => failure !== undefined);
    if (absent?.failure !== undefined) throw absent.failure;
    const outcome = await endMirroring(this.#settings.sites, { want, seen, log: pass.log });
    return outcome.end === 'settled' ? this.#forget(policy) : outcome;
  }

  #forget(policy: MirrorPolicy): Outcome {
    this.#memories.delete(policy.metadata.uid ?? '');
    return settled();
  }

  #memory(policy: MirrorPolicy): PolicyMemory {
    const key = policy.metadata.uid ?? '';
    const memory = this.#memories.get(key) ?? new PolicyMemory();
    this.#memories.set(key, memory);
    return memory;
  }

  #checkSites({ cluster, sites }: Want): void {
    const known = this.#settings.sites.names(cluster);
    const missing = sites.find((site) => !known.includes(site));
    if (missing === undefined) return;
    const message = `site ${missing} is not in the cluster configuration of ${cluster}, which has ${known.join(', ')}`;
    throw new Failure('precondition', 'SITE_UNKNOWN', message);
  }

  async #select(policy: MirrorPolicy, memory: PolicyMemory): Promise<readonly Selected[]> {
    const { metadata, spec } = policy;
    const byClaims = selectByClaims({ name: metadata.name, spec }, this.#settings.objects);
    if (spec.volumes.everything !== true) return byClaims;
    const isDue = Date.now() - memory.listed.at >= LISTING_EVERY_MS;
    if (isDue) memory.listing ??= this.#list(policy, memory);
    // A site that is silent must not hold up the passes that move away from it: what was listed last counts meanwhile.
    if (memory.listed.at === 0) await memory.listing;
    const known = new Set(byClaims.map(({ ref }) => formatVolume({ cluster: '', ...ref })));
    return [...byClaims, ...memory.listed.selected.filter(({ ref }) => !known.has(formatVolume({ cluster: '', ...ref })))];
  }

  /** All volumes of the pools, at whichever site lists them: what is listed at a site that lost them is known from before. */
  async #list({ status, spec }: MirrorPolicy, memory: PolicyMemory): Promise<void> {
    const scope = { deadline: Date.now() + LISTING_MS, log: this.#settings.log };
    const engine = this.#settings.sites.engineAt(spec.cluster, status?.primarySite ?? spec.primarySite);
    try {
      const { volumes } = await engine.listVolumes({ after: '', max: 0 }, scope);
      const inPools = volumes.filter((volume) => spec.volumes.pools.includes(formatPlace(volume)));
      memory.listed = { at: Date.now(), selected: inPools.map((ref) => ({ ref, claim: '' })) };
    } catch (error) {
      // The pass itself finds out what is wrong there.
      this.#settings.log.debug({ err: error }, 'the volumes could not be listed');
      if (memory.listed.at !== 0) memory.listed = { ...memory.listed, at: Date.now() };
    } finally {
      memory.listing = undefined;
    }
  }

  async #look(want: Want, memory: PolicyMemory, selected: readonly Selected[]): Promise<Observation> {
    const [own = ''] = this.#settings.sites.names(want.cluster);
    // Neither may be ours: a control plane can stand at a third place.
    const [first = '', second = ''] = want.sites.toSorted((a, b) => Number(b === own) - Number(a === own));
    const look = (site: string): Promise<Observation['here']> => this.#lookAt(want, memory, site);
    const [here, there] = await Promise.all([look(first), look(second)]);
    for (const { pools } of [here, there]) {
      for (const [key, pool] of pools) {
        for (const image of pool.images) {
          const name = `${key}/${image.image}`;
          memory.points.set(name, rememberPoints(memory.points.get(name) ?? [], pool, image));
        }
      }
    }
    const groups = Object.groupBy(selected, ({ ref }) => formatPlace(ref));
    const wanted = new Map(
      Object.entries(groups).map(([key, inPlace = []]) => [key, new Set(inPlace.map(({ ref }) => ref.image))]),
    );
    return { policy: want.policy, here, there, places: want.places, wanted, remembered: memory.points, now: Date.now() };
  }

  #lookAt(want: Want, memory: PolicyMemory, site: string): Promise<Observation['here']> {
    const { sites, log } = this.#settings;
    const look = memory.looks.get(site) ?? new SiteLook(site, () => sites.engineAt(want.cluster, site), log);
    memory.looks.set(site, look);
    return look.look(want);
  }

  async #behind({ want, seen, memory, pass }: Telling, volumes: readonly VolumeSeen[]): Promise<bigint | undefined> {
    const site = newestTruth(seen)?.primarySite;
    if (site === undefined || want.mode === 'journal' || !isReachable(siteOf(seen, site))) return undefined;
    const scope = { deadline: Date.now() + BEHIND_MS, log: pass.log };
    const copied = volumes.filter((volume) => roleAt(volume, site) === 'primary');
    await memory.behind.look(this.#settings.sites.engineAt(want.cluster, site), copied, scope);
    return memory.behind.sum(volumes);
  }

  #planMemory({ left, peersAt }: PolicyMemory): Memory {
    const now = Date.now();
    for (const [key, { until }] of left) if (until <= now) left.delete(key);
    return { left: new Set(left.keys()), peersDue: now - peersAt >= PEERS_EVERY_MS };
  }

  /** In order. One that fails as a whole ends the pass, as the next may rest on it; not so a peering, which nothing rests on. */
  async #take({ want, seen, memory, pass }: Taking, { steps }: Plan): Promise<boolean> {
    let allTaken = true;
    for (const step of steps) {
      if (pass.signal.aborted || (!allTaken && step.do !== 'peer')) break;
      if (step.do === 'peer') memory.peersAt = Date.now();
      // Snapshots are routine; whatever else is done should be found in the log.
      if (step.do !== 'snapshot') pass.log.info({ policy: want.policy, step: step.do, at: subjectOf(step) }, 'a step is taken');
      try {
        const refused = await act({ sites: this.#settings.sites, want, seen, log: pass.log }, step);
        for (const one of refused) leave(memory, one);
        forgive(memory, step);
      } catch (error) {
        leave(memory, refusalOf(step, error));
        pass.log.warn({ policy: want.policy, step: step.do, err: error }, 'a step could not be taken');
        allTaken = step.do === 'peer' && allTaken;
      }
    }
    return allTaken;
  }

  async #tell(told: Telling, planned: Plan): Promise<void> {
    const { policy, want, seen, memory, selected, pass } = told;
    const volumes = volumesOf(seen);
    const refused = [...memory.left.values()].map(({ refused: one }) => one);
    const behind = await this.#behind(told, volumes);
    const lastMove = moveOf(planned, seen, memory.lossShown) ?? policy.status?.lastMove;
    const report = statusOf({ want, seen, volumes, plan: planned, refused, lastMove, behind });
    const kept = await keepObjects(this.#settings.keep, { spec: policy.spec, want, seen, volumes, memory: memory.objects, pass });
    pass.report(kept === undefined ? report : { ...report, conditions: [...report.conditions, kept] });
    if (beginsForced(planned)) memory.lossShown = report.lossIfForced ?? '';
    tellChanges(policy, report, pass);
    this.#settings.seen(want.policy, volumes, report.epoch ?? 0);
    const claims = new Map(
      selected
        .filter(({ claim }) => claim !== '')
        .map(({ ref, claim }) => [formatVolume({ cluster: want.cluster, ...ref }), claim]),
    );
    await writeVolumes(this.#settings.volumes, policy, { seen, volumes, claims });
  }
}

interface Taking {
  readonly want: Want;
  readonly seen: Observation;
  readonly memory: PolicyMemory;
  readonly pass: Pass;
}

interface Telling extends Taking {
  readonly policy: MirrorPolicy;
  readonly selected: readonly Selected[];
}

/** A move that is committed by this pass. */
function moveOf({ steps }: Plan, seen: Observation, lossShown: string): NonNullable<MirrorPolicy['status']>['lastMove'] {
  const before = newestTruth(seen);
  const commit = steps.find((step): step is Extract<Step, { do: 'write-truth' }> => step.do === 'write-truth')?.truth;
  const intent = before?.intent;
  if (before === undefined || intent === undefined || commit?.epoch !== intent.epoch || commit.intent !== undefined)
    return undefined;
  // It was taken back.
  if (intent.to === before.primarySite) return undefined;
  return {
    kind: intent.kind === 'forced' ? 'Forced' : 'Planned',
    from: before.primarySite,
    to: intent.to,
    epoch: intent.epoch,
    startedAt: new Date(intent.since).toISOString().replace(/\.\d+Z$/, 'Z'),
    seconds: Math.round((seen.now - intent.since) / 1000),
    dataLoss: intent.kind === 'forced' ? lossShown || `at most ${intent.acceptedLoss ?? 0}s` : '0s',
  };
}

function beginsForced({ steps }: Plan): boolean {
  return steps.some((step) => step.do === 'write-truth' && step.truth.intent?.kind === 'forced');
}

/** Events: a phase that began, and what blocks. */
function tellChanges(policy: MirrorPolicy, report: ReturnType<typeof statusOf>, pass: Pass): void {
  const before = policy.status;
  if (report.phase !== undefined && before?.phase !== report.phase) {
    pass.tell({
      type: 'Normal',
      reason: report.phase,
      note: `primary at ${report.primarySite ?? 'no site yet'}, epoch ${report.epoch ?? 0}`,
    });
  }
  for (const { type, status, reason, message } of report.conditions) {
    const known = before?.conditions?.find((condition) => condition.type === type);
    const isBad = (type === 'Blocked' || type === 'SplitBrain') === (status === 'True');
    if (isBad && known !== undefined && (known.status !== status || known.reason !== reason)) {
      pass.tell({ type: 'Warning', reason: type === 'Blocked' ? reason : `${type}${status}`, note: message });
    }
  }
}

function leave({ left }: PolicyMemory, refused: Refused): void {
  const until = Date.now() + (refused.passing ? LEFT_MS.passing : LEFT_MS.lasting);
  left.set(`${refused.step}/${refused.volume}`, { refused, until });
}

/** What failed as a whole before, and did not now. */
function forgive({ left }: PolicyMemory, step: Step): void {
  left.delete(`${step.do}/${subjectOf(step)}`);
}

function subjectOf(step: Step): string {
  return step.do === 'peer' ? formatPlace(step.place) : step.site;
}

/** A step that could not be taken at all. Throws what is no Failure. */
function refusalOf(step: Step, error: unknown): Refused {
  if (!(error instanceof Failure)) throw error;
  const { kind, reason, message } = error;
  return { step: step.do, volume: subjectOf(step), reason, message, passing: isPassing(kind) };
}
