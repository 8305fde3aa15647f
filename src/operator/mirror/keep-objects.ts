/**
 * Kubernetes objects of a policy's volumes: written down with the images where they are primary, and built from that again where they
 * become primary. Whose objects an image has the facts of stands in them, so nothing is kept between passes but what was read:
 *
 *   where the facts are another cluster's   objects are built here, once this site is primary; when they stand, the facts are written as ours
 *   where they are ours                     they follow the objects; what a user deletes is not built again
 */
import { Failure } from '#lib/failure';
import { inParallel } from '#lib/in-parallel';
import type { Truth } from '#mirror';
import type { VolumeFacts } from '#rbd';
import { applyPlan, type Here, planVolumes, type Refusal, type Terms } from '../objects/index.ts';
import type { MirrorPolicySpec } from '../resources/index.ts';
import { camelCase, type Found, isKube, type KubeApi, type Pass } from '../runtime/index.ts';
import { isReachable, newestTruth, type Observation, roleAt, siteOf, type VolumeSeen } from './observation.ts';
import { matches } from './select.ts';
import type { SiteEngine, Sites } from './sites.ts';
import { byPlace, firstOf } from './volumes.ts';
import type { Want } from './want.ts';
import { isForeign, labelsOf, writeFacts } from './write-facts.ts';

export interface KeepSettings {
  readonly api: KubeApi;
  readonly sites: Sites;
  readonly driver: string;
  /** Undefined while it is not known which Kubernetes cluster this is. */
  readonly cluster: () => string | undefined;
  readonly here: () => Here;
}

export interface Keeping {
  readonly spec: MirrorPolicySpec;
  readonly want: Want;
  readonly seen: Observation;
  readonly volumes: readonly VolumeSeen[];
  readonly memory: ObjectsMemory;
  readonly pass: Pass;
}

/** Of one policy. It is read anew when it is not there, and at each epoch. */
export class ObjectsMemory {
  epoch = 0;
  /** By `pool/image`. */
  readonly kept = new Map<string, VolumeFacts>();
  /** What was told as an Event, in this epoch. */
  readonly told = new Set<string>();
  /** By volume: of snapshots, whose volume stands. */
  readonly snapshots = new Map<string, readonly Refusal[]>();
  said: Found | undefined;
}

const READ_MS = 20_000;
/** Volumes whose objects are built at once. */
const AT_ONCE = 8;

/** One pass: the condition ObjectsInSync. Never throws for what concerns a volume or a site: the move itself must not wait for it. */
export async function keepObjects(settings: KeepSettings, keeping: Keeping): Promise<Found | undefined> {
  const { seen, memory, pass } = keeping;
  const truth = newestTruth(seen);
  const from = settings.cluster();
  // In the middle of a move nothing is written, and nothing is built of what may be taken back.
  if (truth === undefined || truth.intent !== undefined || from === undefined) return memory.said;
  if (!isReachable(siteOf(seen, truth.primarySite))) return memory.said;
  try {
    memory.said = await keep(settings, keeping, { truth, from });
  } catch (error) {
    if (!(error instanceof Failure) && !isKube(error)) throw error;
    const reason = error instanceof Failure ? camelCase(error.reason) : 'ApiServer';
    pass.log.warn({ policy: keeping.want.policy, err: error }, 'the objects of volumes could not be kept');
    memory.said = { type: CONDITION, status: 'Unknown', reason, message: error.message };
  }
  return memory.said;
}

const CONDITION = 'ObjectsInSync';

interface Known {
  readonly truth: Truth;
  /** This Kubernetes cluster. */
  readonly from: string;
}

async function keep(settings: KeepSettings, keeping: Keeping, { truth, from }: Known): Promise<Found> {
  const { want, memory, volumes } = keeping;
  if (memory.epoch !== truth.epoch) {
    memory.kept.clear();
    memory.told.clear();
    memory.snapshots.clear();
    memory.epoch = truth.epoch;
  }
  const engine = settings.sites.engineAt(want.cluster, truth.primarySite);
  const there = volumes.filter((volume) => roleAt(volume, truth.primarySite) === 'primary');
  await readUnknown(engine, keeping, there);
  const here = settings.here();
  const isHome = settings.sites.names(want.cluster)[0] === truth.primarySite;
  const refusals = isHome ? await buildForeign(settings, keeping, { here, from, there, site: truth.primarySite }) : [];
  const refused = new Set(refusals.map(({ volume }) => volume));
  const { kept } = memory;
  await writeFacts(engine, { spec: keeping.spec, here, from, volumes: there, kept, isHome, refused, log: keeping.pass.log });
  const still = [...refusals, ...memory.snapshots.values()].flat();
  tell(keeping, still);
  const foreign = there.filter((volume) => isForeign(memory.kept.get(firstOf(volume)), from)).length;
  return conditionOf(still, { foreign: isHome ? foreign : 0, all: there.length, isHome, site: truth.primarySite });
}

const NOTHING = { text: '', labels: {}, size: 0n, encrypted: false, elsewhere: '', snapshots: [] };

async function readUnknown(engine: SiteEngine, { memory, pass }: Keeping, volumes: readonly VolumeSeen[]): Promise<void> {
  const unknown = volumes.filter((volume) => !memory.kept.has(firstOf(volume)));
  for (const { place, images } of byPlace(unknown)) {
    const scope = { deadline: Date.now() + READ_MS, log: pass.log };
    const found = await engine.volumeFacts({ place, images }, scope);
    // What is no volume of this Loligo has no facts, and is not asked for again; what is being moved is.
    const known = new Map(found.map((one) => [one.image, one]));
    for (const image of images) {
      const kept = known.get(image) ?? { ...NOTHING, ...place, image };
      if (kept.elsewhere === '') memory.kept.set(firstOf({ place, image }), kept);
    }
  }
}

interface InPass {
  readonly here: Here;
  readonly from: string;
  readonly there: readonly VolumeSeen[];
}

async function buildForeign(
  { api, driver }: KeepSettings,
  { want, spec, memory, pass }: Keeping,
  { here, from, there, site }: InPass & { readonly site: string },
): Promise<readonly Refusal[]> {
  const terms = termsOf({ spec, cluster: want.cluster, driver }, here, site);
  const refusals: Refusal[] = [];
  const foreign = there.flatMap((volume) => memory.kept.get(firstOf(volume)) ?? []).filter((kept) => isForeign(kept, from));
  await inParallel(planVolumes(foreign, terms, here), AT_ONCE, async (plan) => {
    if (pass.signal.aborted) return;
    const { volume, actions, isRefused } = plan;
    if (actions.length > 0)
      pass.log.info({ volume, claim: plan.claim, objects: actions.map((one) => one.kind.kind) }, 'objects are built');
    const failed = await applyPlan(api, plan);
    if (isRefused) refusals.push(...plan.refusals);
    else memory.snapshots.set(volume, plan.refusals);
    refusals.push(...failed);
  });
  return refusals;
}

/** What may be built at this site. */
function termsOf(
  { spec, cluster, driver }: { readonly spec: MirrorPolicySpec; readonly cluster: string; readonly driver: string },
  here: Here,
  site: string,
): Terms {
  const { objects = {}, volumes } = spec;
  const { namespaces = {}, storageClasses = {} } = objects.maps?.find((map) => map.site === site) ?? {};
  const named = new Set([...(objects.namespaces ?? []), ...Object.values(namespaces)]);
  const isSelected = (name: string): boolean => {
    const labels = here.namespaceLabels(name);
    return volumes.namespaces !== undefined && labels !== undefined && matches(volumes.namespaces, labels);
  };
  const travelling = labelsOf(spec);
  return {
    cluster,
    driver,
    mayBuildIn: (name) => named.has(name) || isSelected(name),
    mayLabel: (key) => travelling.has(key),
    makesNamespaces: false,
    unknownClass: '',
    namespaces,
    classes: storageClasses,
  };
}

function tell({ memory, pass }: Keeping, refusals: readonly Refusal[]): void {
  for (const { volume, kind, field, message } of refusals) {
    const note = `${volume}: ${field}: ${message}`;
    if (memory.told.has(note)) continue;
    memory.told.add(note);
    pass.tell({ type: 'Warning', reason: kind === 'conflict' ? 'ObjectConflict' : 'ObjectRefused', note });
  }
}

function conditionOf(
  refusals: readonly Refusal[],
  {
    foreign,
    all,
    isHome,
    site,
  }: { readonly foreign: number; readonly all: number; readonly isHome: boolean; readonly site: string },
): Found {
  const [first] = refusals;
  if (first !== undefined) {
    const reason = refusals.some(({ kind }) => kind === 'conflict') ? 'Conflict' : 'Refused';
    const message = `${refusals.length} refused, first ${first.volume}: ${first.field}: ${first.message}`;
    return { type: CONDITION, status: 'False', reason, message };
  }
  if (foreign > 0) return { type: CONDITION, status: 'False', reason: 'Building', message: `${foreign} of ${all} volumes` };
  return {
    type: CONDITION,
    status: 'True',
    reason: isHome ? 'InSync' : 'OtherSite',
    message: isHome ? '' : `they are those of ${site}`,
  };
}
