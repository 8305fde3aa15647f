/**
 * From what an image carries to the objects of its volume: what is to be made, what is there already, and what is refused. Pure.
 *
 *   O1 nothing that exists is overwritten: it is adopted when it is the volume's own (the same handle, the same claim), else it is a conflict
 *   O2 an image says which claim; whether one may be built there says the policy, or the person who recovers
 *   O3 what is wrong with a snapshot keeps neither its volume nor the others from being built
 */
import { formatSnapshot, formatVolume } from '#lib/handle';
import type { VolumeFacts } from '#rbd';
import type { Kind, KubeObject } from '../runtime/index.ts';
import { buildClaim, buildContent, buildSnapshot, buildVolume, unfillable, type Wanted, type WantedSnapshot } from './build.ts';
import { namespaceName, objectName } from './checks.ts';
import { type Facts, isWrong, readFacts, readRecordFacts } from './facts.ts';
import { CLAIMS, CONTENTS, type Here, handleOf, NAMESPACES, SNAPSHOTS, type StorageClass, VOLUMES, type Volume } from './kinds.ts';

export interface Terms {
  readonly cluster: string;
  readonly driver: string;
  /** Whether claims may be built in a namespace, by its name here. */
  mayBuildIn(namespace: string): boolean;
  /** Whether a label of a claim may be what an image says; others are left out. */
  mayLabel(key: string): boolean;
  /** A namespace that is not there is made, instead of a refusal. */
  readonly makesNamespaces: boolean;
  /** Of a volume of which nobody wrote down its class; '' for none. */
  readonly unknownClass: string;
  /** Names in the facts to names here. */
  readonly namespaces: Readonly<Record<string, string>>;
  readonly classes: Readonly<Record<string, string>>;
}

export type Action =
  | { readonly do: 'create'; readonly kind: Kind; readonly object: KubeObject }
  /** The volume is kept for a claim that is gone: it is to take the one of that name that there is now, or will be. */
  | { readonly do: 'rebind'; readonly kind: Kind; readonly object: Volume; readonly claimUid: string | undefined };

export interface Refusal {
  readonly volume: string;
  readonly kind: 'refused' | 'conflict';
  /** What is wrong: a field of the facts, or an object. */
  readonly field: string;
  readonly message: string;
}

export interface VolumePlan {
  readonly volume: string;
  /** `namespace/name`, '' while that is not known. */
  readonly claim: string;
  /** In this order. */
  readonly actions: readonly Action[];
  readonly refusals: readonly Refusal[];
  /** The volume or its claim is refused, so that nothing of it is built. */
  readonly isRefused: boolean;
}

/** All at once, for of two images that name one claim, or one volume, neither can be told to be the right one. */
export function planVolumes(all: readonly VolumeFacts[], terms: Terms, here: Here): readonly VolumePlan[] {
  const plans = all.map((kept) => planVolume(kept, terms, here));
  const named = plans.flatMap((plan) => namesOf(plan).map((name) => ({ name, volume: plan.volume })));
  const byName = Map.groupBy(named, ({ name }) => name);
  return plans.map((plan) => {
    const twice = namesOf(plan).find((name) => (byName.get(name)?.length ?? 0) > 1);
    if (twice === undefined) return plan;
    const other = byName.get(twice)?.find(({ volume }) => volume !== plan.volume)?.volume;
    return refusedPlan(plan.volume, { ...refusal(plan.volume, 'claim', `${other} names ${twice} too`), kind: 'conflict' });
  });
}

function namesOf({ claim, actions }: VolumePlan): readonly string[] {
  const made = actions.filter((action) => action.do === 'create' && action.kind === VOLUMES);
  return claim === '' ? [] : [`the claim ${claim}`, ...made.map(({ object }) => `PersistentVolume ${object.metadata.name}`)];
}

function planVolume(kept: VolumeFacts, terms: Terms, here: Here): VolumePlan {
  const volume = formatVolume({ cluster: terms.cluster, ...kept });
  if (kept.elsewhere !== '') return refusedPlan(volume, refusal(volume, '(all)', kept.elsewhere));
  const facts = readFacts(kept.text, kept.image) ?? readRecordFacts(kept.image, kept.labels, terms.unknownClass);
  if (facts === undefined) return refusedPlan(volume, refusal(volume, '(all)', 'nothing was written down with it'));
  if (isWrong(facts)) return refusedPlan(volume, refusal(volume, facts.field, facts.message));
  const named = translated(facts, terms);
  const wrong = checkTerms(named, terms, here);
  if (wrong !== undefined) return refusedPlan(volume, refusal(volume, wrong.field, wrong.message));
  return planNamed({ kept, terms, here, facts: named, volume });
}

interface Planning {
  readonly kept: VolumeFacts;
  readonly terms: Terms;
  readonly here: Here;
  readonly facts: Facts;
  readonly volume: string;
}

function planNamed(planning: Planning): VolumePlan {
  const { kept, terms, here, facts, volume } = planning;
  const { namespace, name } = facts.claim;
  const claim = here.claim(namespace, name);
  const existing = here.volumeOf(volume);
  const conflict = conflictOf(planning, existing);
  if (conflict !== undefined) return refusedPlan(volume, { ...refusal(volume, ...conflict), kind: 'conflict' });
  const wanted: Wanted = {
    driver: terms.driver,
    handle: volume,
    size: kept.size,
    encrypted: kept.encrypted,
    facts,
    claimUid: claim?.metadata.uid,
    storageClass: here.storageClass(facts.class),
  };
  const snapshots = kept.snapshots.map((snapshot) => planSnapshot(planning, snapshot));
  const actions: Action[] = [
    ...(here.namespaceLabels(namespace) === undefined ? [create(NAMESPACES, namespaceObject(namespace))] : []),
    ...(existing === undefined ? [create(VOLUMES, buildVolume(wanted))] : rebound(existing, wanted)),
    ...(claim === undefined ? [create(CLAIMS, buildClaim(wanted, existing?.metadata.name ?? facts.volume))] : []),
    ...snapshots.flatMap((planned) => planned.actions),
  ];
  const refusals = snapshots.flatMap((planned) => planned.refusals);
  return { volume, claim: `${namespace}/${name}`, actions, refusals, isRefused: false };
}

/** With the names that things have here. */
function translated(facts: Facts, { namespaces, classes, mayLabel }: Terms): Facts {
  const { namespace, name, labels } = facts.claim;
  const allowed = Object.entries(labels).filter(([key]) => mayLabel(key));
  const claim = { namespace: nameBy(namespaces, namespace), name, labels: Object.fromEntries(allowed) };
  return { ...facts, class: nameBy(classes, facts.class), claim };
}

function nameBy(map: Readonly<Record<string, string>>, name: string): string {
  return Object.hasOwn(map, name) ? (map[name] ?? name) : name;
}

type Wrong = { readonly field: string; readonly message: string } | undefined;

/** O2. The reserved namespaces are nobody's to name. */
function checkTerms(facts: Facts, terms: Terms, here: Here): Wrong {
  const { namespace } = facts.claim;
  if (namespace.startsWith('kube-') || !terms.mayBuildIn(namespace)) {
    return { field: 'claim.namespace', message: `nothing may be built in namespace ${namespace}` };
  }
  if (here.namespaceLabels(namespace) === undefined && !terms.makesNamespaces) {
    return { field: 'claim.namespace', message: `there is no namespace ${namespace}: make it, or map it to another` };
  }
  if (facts.class === '') return undefined;
  return checkClass(facts.class, here.storageClass(facts.class), terms.driver);
}

function checkClass(name: string, found: StorageClass | undefined, driver: string): Wrong {
  const wrong = (message: string): Wrong => ({ field: 'class', message });
  if (found === undefined) return wrong(`there is no StorageClass ${name}: make it, or map it to another`);
  if (found.provisioner !== driver) return wrong(`StorageClass ${name} is of ${found.provisioner}, and not of ${driver}`);
  const key = unfillable(found);
  return key === undefined
    ? undefined
    : wrong(`StorageClass ${name} has a parameter ${key} that fills in what the image alone says`);
}

/** O1: the field and the words of what is in the way. */
function conflictOf({ here, facts, volume }: Planning, existing: Volume | undefined): readonly [string, string] | undefined {
  const { namespace, name } = facts.claim;
  const claim = here.claim(namespace, name);
  const pv = existing?.metadata.name ?? facts.volume;
  const other = existing === undefined ? here.volume(pv) : undefined;
  if (other !== undefined) {
    return ['volume', `PersistentVolume ${pv} is there, of ${other.spec.csi?.volumeHandle ?? 'another kind of storage'}`];
  }
  const ref = existing?.spec.claimRef;
  if (ref !== undefined && (ref.namespace !== namespace || ref.name !== name)) {
    return [
      'claim',
      `PersistentVolume ${pv} of ${volume} is there, for the claim ${ref.namespace}/${ref.name} and not ${namespace}/${name}`,
    ];
  }
  if (existing !== undefined && ref === undefined) {
    return ['claim', `PersistentVolume ${pv} of ${volume} is there, and kept for no claim: anybody's could take it`];
  }
  const bound = claim?.spec?.volumeName ?? '';
  if (bound !== '' && bound !== pv) return ['claim.name', `the claim ${namespace}/${name} is there, and has the volume ${bound}`];
  return undefined;
}

/** A volume that outlived its claim remembers it by a uid that no claim has any more. */
function rebound(existing: Volume, { claimUid }: Wanted): readonly Action[] {
  const known = existing.spec.claimRef?.uid;
  // Bound it has its claim, and claims are only seen later here.
  if (known === undefined || known === claimUid || existing.status?.phase === 'Bound') return [];
  return [{ do: 'rebind', kind: VOLUMES, object: existing, claimUid }];
}

type Planned = Pick<VolumePlan, 'actions' | 'refusals'>;

/** O3. Who asked for it stands in its record; one that nobody asked for in Kubernetes' words has no object to build. */
function planSnapshot(planning: Planning, { snapshot, labels }: VolumeFacts['snapshots'][number]): Planned {
  const { kept, terms, here, facts, volume } = planning;
  const given = (key: string): string => labels[key] ?? '';
  const name = given('volumesnapshot/name');
  if (name === '' || !here.hasSnapshots) return { actions: [], refusals: [] };
  const handle = formatSnapshot({ cluster: terms.cluster, ...kept, snapshot });
  const from = given('volumesnapshot/namespace');
  const wrong = (field: string, message: string): Planned => ({
    actions: [],
    refusals: [refusal(volume, `snapshot ${snapshot}: ${field}`, message)],
  });
  const content = given('volumesnapshotcontent/name');
  const misnamed = objectName(name) ?? objectName(content) ?? namespaceName(from);
  if (misnamed !== undefined) return wrong('name', misnamed);
  const { namespace } = facts.claim;
  if (nameBy(terms.namespaces, from) !== namespace) return wrong('namespace', `it is of ${from}, and its volume's claim is not`);
  return planNamedSnapshot(planning, { driver: terms.driver, handle, block: facts.block, content, namespace, name });
}

function planNamedSnapshot({ here, volume }: Planning, wanted: WantedSnapshot): Planned {
  const { content, namespace, name, handle } = wanted;
  const conflict = (message: string): Planned => ({
    actions: [],
    refusals: [{ ...refusal(volume, `snapshot ${handle.split('@')[1]}`, message), kind: 'conflict' }],
  });
  const existing = here.contentOf(handle);
  const other = existing === undefined ? here.content(content) : undefined;
  if (other !== undefined) return conflict(`VolumeSnapshotContent ${content} is there, of ${handleOf(other)}`);
  const ref = existing?.spec.volumeSnapshotRef;
  if (ref !== undefined && (ref.namespace !== namespace || ref.name !== name)) {
    return conflict(`its VolumeSnapshotContent is there, for ${ref.namespace}/${ref.name} and not ${namespace}/${name}`);
  }
  const inUse = existing?.metadata.name ?? content;
  const found = here.snapshot(namespace, name);
  const bound = found?.status?.boundVolumeSnapshotContentName ?? found?.spec.source.volumeSnapshotContentName;
  if (found !== undefined && bound !== inUse)
    return conflict(`the VolumeSnapshot ${namespace}/${name} is there, and is another one`);
  const actions = [
    ...(existing === undefined ? [create(CONTENTS, buildContent(wanted))] : []),
    ...(found === undefined ? [create(SNAPSHOTS, buildSnapshot(wanted, inUse))] : []),
  ];
  return { actions, refusals: [] };
}

function create(kind: Kind, object: KubeObject): Action {
  return { do: 'create', kind, object };
}

function namespaceObject(name: string): KubeObject {
  return { apiVersion: 'v1', kind: NAMESPACES.kind, metadata: { name } };
}

function refusal(volume: string, field: string, message: string): Refusal {
  return { volume, kind: 'refused', field, message };
}

function refusedPlan(volume: string, why: Refusal): VolumePlan {
  return { volume, claim: '', actions: [], refusals: [why], isRefused: true };
}
