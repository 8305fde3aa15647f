import type { Credentials } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import { imageNameFor, type Place, placeFits } from '#lib/handle';
import type { Source, VolumeSpec } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { CreateVolumeRequest, VolumeContentSource } from '../generated/messages.ts';
import { layoutOf, mutableOf } from '../parameters/layout.ts';
import { readMutableParameters, readParameters } from '../parameters/read-parameters.ts';
import { checkStaging, contextOf } from '../parameters/staging.ts';
import type { ParameterValues } from '../parameters/table.ts';
import type { TopologyPool } from '../parameters/topology-pools.ts';
import { refused } from '../parameters/values.ts';
import { missing, required } from '../refuse.ts';
import { readCapabilities } from '../request/capability.ts';
import { readRange, sizeOfRange } from '../request/capacity-range.ts';
import { readCredentials } from '../request/credentials.ts';
import { getSnapshot, getVolume, type Located } from '../request/ids.ts';
import { keptMapper, keptUse } from '../request/kept-use.ts';
import { choosePool, isReached } from '../request/topology.ts';

/** A volume that is wanted: what the engine makes, and what the answer and the node need to know of the request. */
export interface VolumeWanted {
  readonly cluster: string;
  readonly credentials: Credentials | undefined;
  readonly spec: Omit<VolumeSpec, 'key'>;
  /** The name of the key-encryption key, '' for the only one; undefined when the volume is not to be encrypted. */
  readonly encryptionKey: string | undefined;
  readonly volumeContext: Readonly<Record<string, string>>;
  /** The pool that the class's topology chose; `undefined` when the class has none. */
  readonly chosen: TopologyPool | undefined;
  /** The same volume in the class's other pools, where an earlier call with other wishes may have made it. */
  readonly others: readonly OtherPlace[];
}

export interface OtherPlace {
  readonly spec: VolumeWanted['spec'];
  readonly chosen: TopologyPool;
  /** Whether a wanted topology reaches it. */
  readonly isReached: boolean;
}

/** Turns the wire message into a spec, or throws. No I/O, so a table test covers it whole. */
export function readVolumeSpec(request: CreateVolumeRequest, controller: Controller): VolumeWanted {
  const name = required('name', request.name);
  const capabilities = readCapabilities('volume_capabilities', request.volumeCapabilities);
  const range = readRange('capacity_range', request.capacityRange);
  const parameters = readParameters(request.parameters);
  const attributes = readMutableParameters(request.mutableParameters);
  const mutable = mutableOf(parameters, attributes);
  checkStaging(parameters.values, { capabilities, qos: mutable.qos });
  const credentials = readCredentials(request.secrets);
  const cluster = clusterOf(parameters.values, controller);
  const { place, dataPool, chosen } = choosePlace(parameters.values, cluster, request);
  const spec: VolumeWanted['spec'] = {
    ...place,
    image: imageNameFor(name, cluster, place),
    name,
    size: sizeOfRange('capacity_range', range),
    range,
    layout: layoutOf(parameters.values, otherThan(place.pool, dataPool)),
    flatten: parameters.values.flatten ?? false,
    mutable,
    labels: { ...keptUse(parameters.labels, request.volumeCapabilities), ...keptMapper(parameters.values) },
    // Last, because it may throw that there is no such source, and what is wrong with the request itself counts first.
    source: readSource(request.volumeContentSource, cluster),
  };
  return {
    cluster,
    credentials,
    spec,
    encryptionKey: encryptionKeyOf(parameters.values),
    volumeContext: contextOf(parameters.values),
    chosen,
    others: otherPlaces(parameters.values, { cluster, spec }, request),
  };
}

function encryptionKeyOf({ encrypted = false, encryptionKey }: ParameterValues): string | undefined {
  if (encrypted) return encryptionKey ?? '';
  if (encryptionKey !== undefined) throw refused('encryptionKey', 'is given without encrypted');
  return undefined;
}

/** The class's cluster, or the only one there is. */
export function clusterOf({ cluster }: ParameterValues, { clusters }: Controller): string {
  if (cluster !== undefined) return cluster;
  const [only, ...others] = clusters.names();
  if (only === undefined || others.length > 0) throw refused('cluster', 'is missing, and not exactly one is configured');
  return only;
}

interface Chosen {
  readonly place: Place;
  readonly dataPool: string;
  readonly chosen: TopologyPool | undefined;
}

function choosePlace(values: ParameterValues, cluster: string, request: CreateVolumeRequest): Chosen {
  const { namespace = '', pool, dataPool = '', topologyPools } = values;
  if (topologyPools === undefined) {
    if (pool === undefined) throw refused('pool', 'is missing');
    return { place: checkPlace(cluster, { pool, namespace }), dataPool, chosen: undefined };
  }
  if (pool !== undefined || dataPool !== '') throw refused('topologyPools', 'is given beside pool or dataPool');
  const chosen = choosePool(topologyPools, request.accessibilityRequirements);
  if (chosen === undefined) throw refused('topologyPools', 'is empty');
  return { place: checkPlace(cluster, { pool: chosen.pool, namespace }), dataPool: chosen.dataPool, chosen };
}

/** An image whose data is to lie in its own pool has no data pool; it could not be told from one that was asked for none. */
function otherThan(pool: string, dataPool: string): string {
  return dataPool === pool ? '' : dataPool;
}

/** The same volume in each other pool of the class; of a pool that stands there twice, the entry that is reached. */
function otherPlaces(
  { topologyPools = [] }: ParameterValues,
  { cluster, spec }: Pick<VolumeWanted, 'cluster' | 'spec'>,
  { accessibilityRequirements }: CreateVolumeRequest,
): readonly OtherPlace[] {
  const others = Map.groupBy(topologyPools, ({ pool }) => pool);
  others.delete(spec.pool);
  return [...others].map(([name, entries]) => {
    const reached = entries.find((entry) => isReached(entry, accessibilityRequirements));
    const pool = reached ?? entries[0];
    if (pool === undefined) throw new TypeError(`nothing is known of pool ${name}`);
    const place = checkPlace(cluster, { pool: name, namespace: spec.namespace });
    const there = { ...place, image: imageNameFor(spec.name, cluster, place) };
    const layout = { ...spec.layout, dataPool: otherThan(name, pool.dataPool) };
    return { spec: { ...spec, ...there, layout }, chosen: pool, isReached: reached !== undefined };
  });
}

/** Returns the place; throws `invalid` when the handles of its volumes would be longer than CSI lets them be. */
export function checkPlace(cluster: string, place: Place): Place {
  if (!placeFits(cluster, place)) throw refused('pool', 'is too long together with the names of the cluster and the namespace');
  return place;
}

function readSource(source: VolumeContentSource | null, cluster: string): Source {
  if (source === null) return { from: 'nothing' };
  if (source.type === 'snapshot') {
    const field = 'volume_content_source.snapshot.snapshot_id';
    const found = inCluster(getSnapshot(field, source.snapshot?.snapshotId ?? ''), cluster);
    return { from: 'snapshot', snapshot: found };
  }
  if (source.type === 'volume') {
    const field = 'volume_content_source.volume.volume_id';
    return { from: 'volume', volume: inCluster(getVolume(field, source.volume?.volumeId ?? ''), cluster) };
  }
  throw missing('volume_content_source.type');
}

function inCluster<Ref>(source: Located<Ref>, cluster: string): Ref {
  if (source.cluster === cluster) return source.ref;
  throw new Failure(
    'invalid',
    'SOURCE_IN_OTHER_CLUSTER',
    `volume_content_source is in cluster ${source.cluster}, the volume in ${cluster}`,
  );
}
