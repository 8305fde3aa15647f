import { isErrno } from '#ceph';
import { Failure } from '#lib/failure';
import { field } from '#lib/json';
import { adoptVolume } from './adopt-volume.ts';
import { capacity } from './capacity.ts';
import { changedBlocks } from './changed-blocks.ts';
import { countImages } from './count-images.ts';
import { createGroupSnapshot } from './create-group-snapshot.ts';
import { createSnapshot } from './create-snapshot.ts';
import { createVolume } from './create-volume.ts';
import { deleteGroupSnapshot } from './delete-group-snapshot.ts';
import { deleteSnapshot } from './delete-snapshot.ts';
import { deleteVolume } from './delete-volume.ts';
import type { EngineScope } from './engine-scope.ts';
import { explain } from './errno.ts';
import { expandVolume } from './expand-volume.ts';
import { findImage } from './find-image.ts';
import { findPlaces } from './find-places.ts';
import { getGroupSnapshot } from './get-group-snapshot.ts';
import { getSnapshot } from './get-snapshot.ts';
import { getVolume } from './get-volume.ts';
import { listSnapshots } from './list-snapshots.ts';
import { listVolumeHealth } from './list-volume-health.ts';
import { listVolumes } from './list-volumes.ts';
import { lostNodes, markNode } from './lost-nodes.ts';
import { MIRRORING } from './mirror/operations.ts';
import { modifyVolume } from './modify-volume.ts';
import { fullPools } from './pool-stats.ts';
import { probe } from './probe.ts';
import { publishVolume } from './publish-volume.ts';
import { publishedNodes } from './published-nodes.ts';
import { reap } from './reap.ts';
import type { Site } from './site.ts';
import type { Engine } from './specs.ts';
import { undeleteVolume } from './undelete-volume.ts';
import { unpublishVolume } from './unpublish-volume.ts';
import { volumeFacts, writeVolumeFacts } from './volume-facts.ts';
import { volumeHealth } from './volume-health.ts';
import { findKey, listKeys, replaceKey } from './volume-keys.ts';

/** An operation as it is written: on a site, for one request. */
type Operation<K extends keyof Engine> = (site: Site, args: Parameters<Engine[K]>[0], scope: EngineScope) => ReturnType<Engine[K]>;

type Operations = { readonly [K in keyof Engine]: Operation<K> };

/** All operations by name: what the agent serves. A name that is not here cannot be called. */
const OPERATIONS: Operations = {
  probe,
  createVolume,
  deleteVolume,
  undeleteVolume,
  adoptVolume,
  reap,
  createSnapshot,
  deleteSnapshot,
  getSnapshot,
  volumeHealth,
  listVolumeHealth,
  getGroupSnapshot,
  deleteGroupSnapshot,
  createGroupSnapshot,
  changedBlocks,
  unpublishVolume,
  markNode,
  lostNodes,
  publishedNodes,
  publishVolume,
  modifyVolume,
  listVolumes,
  listSnapshots,
  getVolume,
  countImages,
  findImage,
  findPlaces,
  findKey,
  listKeys,
  replaceKey,
  volumeFacts,
  writeVolumeFacts,
  expandVolume,
  capacity,
  ...MIRRORING,
};

/** Runs an operation and says in a Failure what went wrong; whatever is not one is a bug and stays as it is. */
export async function runOperation(site: Site, name: string, args: never, scope: EngineScope): Promise<unknown> {
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name as keyof Operations] : undefined;
  if (operation === undefined) throw new Failure('unsupported', 'OPERATION_UNKNOWN', `there is no operation ${name}`);
  try {
    return await operation(site, args, scope);
  } catch (error) {
    throw (await findRemoved(site, error)) ?? explain(error, `${name}${await placesOf(site, args, error)}`);
  }
}

/** ` in pool`, and the data pool where it may be that one that is concerned; of two that may be full, which it is. */
async function placesOf(site: Site, args: object, error: unknown): Promise<string> {
  const pool = field(args, 'pool') ?? field(field(args, 'volume'), 'pool');
  if (typeof pool !== 'string') return '';
  const dataPool = field(field(args, 'layout'), 'dataPool');
  if (typeof dataPool !== 'string' || dataPool === '') return ` in ${pool}`;
  const full = isErrno(error, 'EDQUOT', 'ENOSPC') ? await fullPools(site, [pool, dataPool]) : [];
  return full.length > 0 ? ` in ${full.join(' and in ')}` : ` in ${pool} with data in ${dataPool}`;
}

/** A pool or namespace that was removed shows as "no such object" in whatever was asked of it. */
async function findRemoved(site: Site, error: unknown): Promise<Failure | undefined> {
  const maybe = isErrno(error, 'ENOENT') || (error instanceof Failure && error.reason === 'POOL_MISSING');
  return maybe ? await site.forgetRemoved(error) : undefined;
}
