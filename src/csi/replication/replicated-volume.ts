/** A volume as a request of CSI-Addons names it, and what both sites say of it. */
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import type { Scope } from '#lib/scope';
import { type Comparison, compareImage, type ImageFacts, type PoolFacts, pairImages } from '#mirror';
import type { ImageOutcome, RemoteEngine } from '#rbd';
import type { Clusters } from '../clusters.ts';
import type { VolumeAsked } from '../controller/read-volume.ts';
import type { ReplicationSource } from '../generated/replication-messages.ts';
import { readCredentials } from '../request/credentials.ts';
import { getVolume } from '../request/ids.ts';

/** What the handlers need, all of it given from outside. */
export interface Replication {
  readonly clusters: Clusters;
  /** The sites behind a cluster, our own first. */
  siteNames(cluster: string): readonly string[];
  engineAtSite(cluster: string, site: string): RemoteEngine;
  readonly driverName: string;
  readonly version: string;
}

/** Images that CSI-Addons has mirrored are marked with this and the interval; no MirrorPolicy can be called so. */
export const MARK = 'csi-addons:';

interface Named {
  readonly volumeId?: string;
  readonly replicationId?: string;
  readonly replicationSource: ReplicationSource | null;
  readonly secrets: Record<string, string>;
}

/** By the source, or by the fields that older controllers fill. */
export function readReplicated({ volumeId = '', replicationId = '', replicationSource, secrets }: Named): VolumeAsked {
  if (replicationSource?.type === 'volumegroup') {
    throw new Failure('unsupported', 'GROUPS_NOT_REPLICATED', 'volumes are replicated one by one, and not as a group');
  }
  const named = replicationSource?.volume?.volumeId ?? '';
  const id = [named, volumeId, replicationId].find((text) => text !== '') ?? '';
  return { ...getVolume('replication_source.volume.volume_id', id), credentials: readCredentials(secrets) };
}

/** What this site alone says. */
export interface SeenHere {
  readonly own: RemoteEngine;
  readonly here: PoolFacts;
  readonly mine: ImageFacts | undefined;
  /** `pool/image` */
  readonly name: string;
}

export interface Seen extends SeenHere {
  readonly theirs: ImageFacts | undefined;
  readonly comparison: Comparison;
  /** Why the other site was not looked at. */
  readonly peerSilent: Failure | undefined;
}

/** Milliseconds that the other site gets: what is to be done here must not wait for one that is dead. */
const PEER_MS = 10_000;

export async function lookHere(
  { clusters }: Replication,
  { cluster, ref, credentials }: VolumeAsked,
  scope: Scope,
): Promise<SeenHere> {
  const { pool, namespace, image } = ref;
  const own = clusters.engineAt(cluster, credentials);
  const here = await own.mirrorFacts({ place: { pool, namespace }, exact: [image] }, scope);
  return { own, here, mine: here.images.find((one) => one.image === image), name: formatImage(ref) };
}

/** Both sites, at once. That the other one does not answer is part of what is seen. */
export async function lookAtBoth(replication: Replication, asked: VolumeAsked, scope: Scope): Promise<Seen> {
  const [seen, there] = await Promise.all([lookHere(replication, asked, scope), lookThere(replication, asked, scope)]);
  const theirPool = there instanceof Failure ? undefined : there;
  const { here } = seen;
  const pair = pairImages(here, theirPool).get(asked.ref.image) ?? {
    here: { pool: here, image: undefined },
    there: { pool: theirPool, image: undefined },
  };
  return {
    ...seen,
    theirs: pair.there.image,
    comparison: compareImage({ ...pair, remembered: [], now: Date.now() }),
    peerSilent: there instanceof Failure ? there : undefined,
  };
}

async function lookThere(replication: Replication, { cluster, ref }: VolumeAsked, scope: Scope): Promise<PoolFacts | Failure> {
  const [, other] = replication.siteNames(cluster);
  if (other === undefined) {
    return new Failure('unreachable', 'PEER_NOT_CONFIGURED', `cluster ${cluster} has no peer in the cluster configuration`);
  }
  const { pool, namespace, image } = ref;
  const deadline = Math.min(scope.deadline, Date.now() + PEER_MS);
  try {
    const engine = replication.engineAtSite(cluster, other);
    return await engine.mirrorFacts({ place: { pool, namespace }, exact: [image] }, { ...scope, deadline });
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/**
 * Throws for a volume that a MirrorPolicy has: two masters would undo each other's moves. ABORTED and no FAILED_PRECONDITION,
 * which the controller takes for leave to force.
 */
export function refuseOfPolicy({ mine, name }: SeenHere): void {
  const policy = mine?.detail?.policy ?? '';
  if (policy === '' || policy.startsWith(MARK)) return;
  throw new Failure('busy', 'MIRRORED_BY_POLICY', `${name} is mirrored by the MirrorPolicy ${policy}, which moves it`);
}

export function notMirrored(name: string): Failure {
  return new Failure('not-found', 'REPLICATION_NOT_ENABLED', `${name} is not mirrored here`);
}

/** The one outcome of a batch of one. Throws its failure. */
export function settle([outcome]: readonly ImageOutcome[]): void {
  const failure = outcome?.failure;
  if (failure !== undefined) throw new Failure(failure.kind, failure.reason, failure.message);
}
