import { type IoContext, isErrno, listNamespaces } from '#ceph';
import { compareText } from '#lib/compare-text';
import { Failure } from '#lib/failure';
import { formatPlace, type Place } from '#lib/handle';
import { findOwner } from './pool-mark.ts';
import type { Site } from './site.ts';

/**
 * The pools and namespaces that carry our mark (P1), in the order of their names. What these credentials do not reach is
 * left out. One or two round trips for each pool, and one for each namespace.
 */
export async function findPlaces(site: Site): Promise<Place[]> {
  const pools = await site.cluster.pools();
  const found = await Promise.all(pools.map((pool) => placesIn(site, pool)));
  return found.flat().toSorted((a, b) => compareText(formatPlace(a), formatPlace(b)));
}

/**
 * The same, each opened when its turn comes. One that was removed since it was found, its pool maybe with it, is passed over:
 * there is nothing of ours in it any more, and the others are to be served.
 */
export async function* openPlaces(site: Site, from = ''): AsyncGenerator<IoContext> {
  for (const place of await findPlaces(site)) {
    if (compareText(formatPlace(place), from) < 0) continue;
    const io = await openIfThere(site, place);
    if (io !== undefined) yield io;
  }
}

async function openIfThere(site: Site, place: Place): Promise<IoContext | undefined> {
  try {
    return await site.open(place);
  } catch (error) {
    if (error instanceof Failure && ['POOL_NOT_OURS', 'POOL_MISSING'].includes(error.reason)) return undefined;
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function placesIn(site: Site, pool: string): Promise<Place[]> {
  const io = await reach(() => site.cluster.open(pool, ''));
  if (io === undefined) return [];
  const namespaces = (await reach(() => listNamespaces(io))) ?? [];
  const candidates = ['', ...namespaces].map((namespace) => ({ pool, namespace }));
  const ours = await Promise.all(candidates.map((place) => isOurs(site, place)));
  return candidates.filter((_, index) => ours[index]);
}

async function isOurs(site: Site, place: Place): Promise<boolean> {
  const io = await reach(() => site.cluster.open(place.pool, place.namespace));
  return io !== undefined && (await reach(() => findOwner(io))) === site.identity.cluster;
}

/** Undefined for a pool that was deleted meanwhile, or that the credentials do not reach. */
async function reach<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EPERM', 'EACCES')) return undefined;
    throw error;
  }
}
