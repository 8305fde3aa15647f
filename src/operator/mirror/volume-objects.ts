/** The MirrorVolume of each volume of a policy: made, changed when its state changes, and gone with the volume. */
import { createHash } from 'node:crypto';
import { formatVolume } from '#lib/handle';
import { inParallel } from '#lib/in-parallel';
import type { VolumeState } from '#mirror';
import { MIRROR_VOLUMES, type MirrorPolicy, type MirrorVolume, type MirrorVolumeStatus } from '../resources/index.ts';
import { isKube, type KubeApi, type ObjectMeta, writeStatus } from '../runtime/index.ts';
import type { Observation, VolumeSeen } from './observation.ts';

const STATES = {
  replicating: 'Replicating',
  syncing: 'Syncing',
  failed: 'Failed',
  'split-brain': 'SplitBrain',
  unprotected: 'Unprotected',
} as const satisfies Record<VolumeState, MirrorVolumeStatus['state']>;

/** Writes at once; a policy with many new volumes must not be all that the API server does. */
const AT_ONCE = 8;

export interface VolumeObjects {
  readonly api: KubeApi;
  /** All MirrorVolumes that there are, as a copy. */
  values(): readonly MirrorVolume[];
}

/** `claims` by handle: `namespace/name`. */
export async function writeVolumes(
  objects: VolumeObjects,
  policy: MirrorPolicy,
  found: { readonly seen: Observation; readonly volumes: readonly VolumeSeen[]; readonly claims: ReadonlyMap<string, string> },
): Promise<void> {
  const before = new Map(
    objects
      .values()
      .filter(({ spec }) => spec.policy === policy.metadata.name)
      .map((object) => [object.metadata.name, object]),
  );
  const wanted = found.volumes.map((volume) => wantedOf(policy, volume, found));
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  await inParallel(wanted, AT_ONCE, (object) => writeOne(objects.api, before.get(object.metadata.name), object));
  // While a site is out of reach its volumes are not gone.
  if (found.seen.here.failure !== undefined || found.seen.there.failure !== undefined) return;
  const gone = [...before.keys()].filter((name) => !names.has(name));
  await inParallel(gone, AT_ONCE, (name) => objects.api.drop(MIRROR_VOLUMES, { namespace: '', name }));
}

async function writeOne(api: KubeApi, before: MirrorVolume | undefined, wanted: MirrorVolume): Promise<void> {
  const object = before ?? (await make(api, wanted));
  if (object === undefined) return;
  if (object.spec.claim !== wanted.spec.claim) {
    await api.merge(MIRROR_VOLUMES, { namespace: '', name: object.metadata.name }, { spec: { claim: wanted.spec.claim ?? null } });
  }
  const { state, reason, message, primarySite } = object.status ?? {};
  const { status: next = {} } = wanted;
  if (state === next.state && reason === next.reason && message === next.message && primarySite === next.primarySite) return;
  const since = state === next.state ? (object.status?.since ?? next.since) : next.since;
  try {
    await writeStatus(api, { kind: MIRROR_VOLUMES, object }, { ...next, since });
  } catch (error) {
    if (!isKube(error, 404, 422)) throw error;
  }
}

async function make(api: KubeApi, wanted: MirrorVolume): Promise<MirrorVolume | undefined> {
  try {
    const { status: _, ...object } = wanted;
    return await api.create<MirrorVolume>(MIRROR_VOLUMES, object);
  } catch (error) {
    // The copy lags: the next pass has it.
    if (isKube(error, 409)) return undefined;
    throw error;
  }
}

function wantedOf(
  policy: MirrorPolicy,
  { place, image, at, comparison }: VolumeSeen,
  { seen, claims }: { readonly seen: Observation; readonly claims: ReadonlyMap<string, string> },
): MirrorVolume {
  const volume = formatVolume({ cluster: policy.spec.cluster, ...place, image });
  const claim = claims.get(volume);
  const { here, there } = seen;
  const { state, reason, message } = comparison;
  const sites = { here: here.site, there: there.site, both: 'both', nowhere: 'nowhere', unknown: 'unknown' };
  const isMirrored = at[here.site] !== undefined || at[there.site] !== undefined;
  return {
    apiVersion: 'loligo.dev/v1alpha1',
    kind: MIRROR_VOLUMES.kind,
    metadata: metadataOf(policy, volume),
    spec: { policy: policy.metadata.name, volume, ...(claim === undefined ? {} : { claim }) },
    status: {
      state: STATES[state],
      reason,
      // What Ceph says while it replays are figures, others each time.
      ...(message === '' || state === 'replicating' ? {} : { message }),
      primarySite: isMirrored ? sites[comparison.primary] : 'unknown',
      since: new Date(seen.now).toISOString().replace(/\.\d+Z$/, 'Z'),
    },
  };
}

function metadataOf({ apiVersion, kind, metadata: { name, uid = '' } }: MirrorPolicy, volume: string): ObjectMeta {
  const readable = `${name}.${volume.replaceAll('/', '.')}`;
  const hash = createHash('sha256').update(volume).digest('hex').slice(0, 32);
  return {
    name:
      /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(readable) && !/\.[.-]|-\./.test(readable) && readable.length < 200
        ? readable
        : `${name}.${hash}`,
    // They go with the policy.
    ownerReferences: [{ apiVersion, kind, name, uid }],
  };
}
