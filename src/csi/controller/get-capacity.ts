import { LUKS_HEADER } from '#lib/luks';
import type { Scope } from '#lib/scope';
import type { Place } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { GetCapacityRequest, GetCapacityResponse } from '../generated/messages.ts';
import { writeBytes } from '../int64.ts';
import { readParameters } from '../parameters/read-parameters.ts';
import { readCapabilities } from '../request/capability.ts';
import { reaches } from '../request/topology.ts';
import type { Rpc } from '../rpc.ts';
import { checkPlace, clusterOf } from './read-volume-spec.ts';

/** Where a volume of this kind could go; `pools` undefined asks for every pool of every cluster. */
export interface CapacityWanted {
  readonly cluster: string;
  readonly pools: readonly PoolWanted[] | undefined;
  /** Bytes that a volume's image has more than the volume. */
  readonly header: bigint;
}

type PoolWanted = Place & { readonly dataPool: string };

/** The room that one more volume of a class would find. */
export const getCapacity: Rpc<Controller, GetCapacityRequest, CapacityWanted, GetCapacityResponse> = {
  read(request, controller) {
    if (request.volumeCapabilities.length > 0) readCapabilities('volume_capabilities', request.volumeCapabilities);
    const { values } = readParameters(request.parameters);
    const header = values.encrypted === true ? LUKS_HEADER : 0n;
    if (values.pool === undefined && values.topologyPools === undefined) {
      return { cluster: values.cluster ?? '', pools: undefined, header };
    }
    const cluster = clusterOf(values, controller);
    const { namespace = '', pool, dataPool = '', topologyPools } = values;
    const pools = topologyPools ?? (pool === undefined ? [] : [{ pool, dataPool, segments: {} }]);
    const reached = pools.filter((known) => request.accessibleTopology === null || reaches(request.accessibleTopology, known));
    return {
      cluster,
      header,
      pools: reached.map((known) => ({ ...checkPlace(cluster, { pool: known.pool, namespace }), dataPool: known.dataPool })),
    };
  },

  async run(controller, want, scope) {
    const rooms =
      want.pools === undefined ? await roomEverywhere(controller, want.cluster, scope) : await roomIn(controller, want, scope);
    // Pools may share their disks, so their rooms do not add up: the largest is what can be promised.
    const room = largest(rooms);
    const size = writeBytes(room > want.header ? room - want.header : 0n);
    return { availableCapacity: size, maximumVolumeSize: { value: size } };
  },
};

function roomIn(
  { clusters }: Controller,
  { cluster, pools = [] }: Pick<CapacityWanted, 'cluster' | 'pools'>,
  scope: Scope,
): Promise<readonly bigint[]> {
  const engine = clusters.engineAt(cluster);
  return Promise.all(pools.map(async (pool) => (await engine.capacity(pool, scope)).available));
}

async function roomEverywhere(controller: Controller, cluster: string, scope: Scope): Promise<readonly bigint[]> {
  const names = cluster === '' ? controller.clusters.names() : [cluster];
  const rooms = await Promise.all(
    names.map(async (name) => {
      const places = await controller.clusters.engineAt(name).findPlaces({}, scope);
      const pools = places.map((place) => ({ ...place, dataPool: '' }));
      return await roomIn(controller, { cluster: name, pools }, scope);
    }),
  );
  return rooms.flat();
}

function largest(rooms: readonly bigint[]): bigint {
  let most = 0n;
  for (const room of rooms) if (room > most) most = room;
  return most;
}
