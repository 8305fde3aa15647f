/** Facts of a policy's volumes, written down with the images as the objects here have them. */
import { formatVolume } from '#lib/handle';
import type { Log } from '#lib/scope';
import type { ImageOutcome, VolumeFacts, VolumeFactsChange } from '#rbd';
import { factsOf, formatFacts, type Here, isLabelKey, isWrong, readFacts } from '../objects/index.ts';
import type { MirrorPolicySpec } from '../resources/index.ts';
import type { VolumeSeen } from './observation.ts';
import type { SiteEngine } from './sites.ts';
import { byPlace, firstOf } from './volumes.ts';

export interface Writing {
  readonly spec: MirrorPolicySpec;
  readonly here: Here;
  /** This Kubernetes cluster. */
  readonly from: string;
  readonly volumes: readonly VolumeSeen[];
  /** By `pool/image`; what is written is noted there. */
  readonly kept: Map<string, VolumeFacts>;
  /** Whether the volumes are primary at this cluster's own site. */
  readonly isHome: boolean;
  /** Volumes, by their handles, whose objects could not all be built. */
  readonly refused: ReadonlySet<string>;
  readonly log: Log;
}

const WRITE_MS = 20_000;
const LABELS_MAX = 32;

/** Of another Kubernetes cluster, or nobody can tell whose. */
export function isForeign(kept: VolumeFacts | undefined, from: string): boolean {
  const facts = kept && readFacts(kept.text, kept.image);
  return facts !== undefined && (isWrong(facts) || facts.from !== from);
}

/** Labels that travel: those that select, and those that the policy names. */
export function labelsOf({ volumes, objects }: MirrorPolicySpec): ReadonlySet<string> {
  const { matchLabels = {}, matchExpressions = [] } = volumes.claims ?? {};
  const keys = [...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key), ...(objects?.labels ?? [])];
  return new Set(keys.filter(isLabelKey));
}

export async function writeFacts(engine: SiteEngine, writing: Writing): Promise<void> {
  const { volumes, log } = writing;
  for (const { place, volumes: inPlace } of byPlace(volumes)) {
    const changes = inPlace.flatMap((volume) => changeOf(volume, writing) ?? []);
    if (changes.length === 0) continue;
    const outcomes = await engine.writeVolumeFacts({ place, changes }, { deadline: Date.now() + WRITE_MS, log });
    for (const outcome of outcomes) note(writing, firstOf({ place, image: outcome.image }), { outcome, changes });
  }
}

function note(
  { kept, log }: Writing,
  key: string,
  { outcome, changes }: { readonly outcome: ImageOutcome; readonly changes: readonly VolumeFactsChange[] },
): void {
  const { image, failure } = outcome;
  const before = kept.get(key);
  if (failure === undefined && before !== undefined) {
    kept.set(key, { ...before, text: changes.find((change) => change.image === image)?.text ?? '', snapshots: [] });
    return;
  }
  // It may be otherwise than it was read.
  kept.delete(key);
  log.info({ image: key, failure }, 'what Kubernetes has of it was not written down');
}

/**
 * Where the volumes are at home the objects here are what counts: over facts of another cluster too, once all stands here. Elsewhere only
 * what nobody has written, or we did: one control plane may serve both sites. Pure.
 */
export function changeOf(volume: VolumeSeen, writing: Writing): VolumeFactsChange | undefined {
  const { spec, kept, isHome, refused, from } = writing;
  const before = kept.get(firstOf(volume));
  if (before === undefined) return undefined;
  const handle = formatVolume({ cluster: spec.cluster, ...volume.place, image: volume.image });
  const foreign = isForeign(before, from);
  const isOver = isHome && (!refused.has(handle) || isWrong(readFacts(before.text, before.image)));
  if (foreign && !isOver) return undefined;
  const text = textOf(handle, volume.image, writing);
  if (text === undefined || text === before.text) return undefined;
  // That a claim is gone is for its own cluster to say, and only where the volume is at home.
  if (text === '' && (!isHome || foreign)) return undefined;
  return { image: volume.image, before: before.text, text };
}

/** What is to be written of a volume: '' when its claim is gone; undefined when that is not for us to say. */
function textOf(handle: string, image: string, { here, spec, from }: Writing): string | undefined {
  const volume = here.volumeOf(handle);
  if (volume?.status?.phase === 'Released') return '';
  const { namespace = '', name = '' } = volume?.spec.claimRef ?? {};
  const claim = here.claim(namespace, name);
  if (volume === undefined || claim === undefined) return undefined;
  const travelling = labelsOf(spec);
  const labels = Object.entries(claim.metadata.labels ?? {}).filter(([key]) => travelling.has(key));
  const metadata = { ...claim.metadata, labels: Object.fromEntries(labels.slice(0, LABELS_MAX)) };
  const facts = factsOf(volume, { ...claim, metadata }, from);
  return facts && formatFacts(image, facts);
}
