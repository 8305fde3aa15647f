/** One image as mirroring knows it here, and who has it open. */
import { findDirectoryId, findMirrorImage, type Image, type IoContext, listMirrorClients, type Watcher } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import type { MirrorMode } from '#mirror';
import { checkHolder } from '../change-image.ts';
import { imageMissing } from '../look.ts';
import { strangersAmong } from '../own-clients.ts';
import { poolMissing, type Site } from '../site.ts';
import type { Place } from '../specs.ts';
import { seePool } from './mirror-facts.ts';
import { type SeenMirror, seeMirror } from './standing.ts';

/** What the images of a batch have in common. */
export interface MirrorPlace {
  readonly site: Site;
  readonly io: IoContext;
  readonly place: Place;
  readonly ownUuid: string;
  /** Whether a peer fetches from here. */
  readonly hasReceiver: boolean;
}

const TX = 1;

/** Throws `precondition` for a place that is not ours, as any operation does. Two round trips. */
export async function openMirrorPlace(site: Site, place: Place): Promise<MirrorPlace> {
  const [io, pool] = await Promise.all([site.open(place), seePool(site, place)]);
  const hasReceiver = pool.peers.some(({ direction }) => direction >= TX);
  return { site, io, place, ownUuid: pool.mirrorUuid, hasReceiver };
}

export interface MirroredImage {
  readonly image: string;
  readonly id: string;
  readonly mode: MirrorMode;
  readonly isDisabling: boolean;
  readonly seen: SeenMirror;
}

/** Undefined for an image that is not mirrored. Throws `not-found` when there is none. Three round trips, four in journal mode. */
export async function findMirrored(at: MirrorPlace, image: string): Promise<MirroredImage | undefined> {
  const { io, site, place, ownUuid } = at;
  const id = await findDirectoryId(io, image);
  if (id === undefined) {
    if (!(await io.cluster.hasPool(io.poolId))) throw poolMissing(io);
    throw imageMissing(site, { ...place, image });
  }
  const entry = await findMirrorImage(io, id);
  if (entry === undefined || entry.state === 2) return undefined;
  const mode: MirrorMode = entry.mode === 0 ? 'journal' : 'snapshot';
  const seen = await seeMirror(io, { id, mode, ownUuid }, site.mirrorSnapshots);
  if (seen === undefined) throw imageMissing(site, { ...place, image });
  return { image, id, mode, isDisabling: entry.state === 0, seen };
}

/** Throws `precondition` for an image that is not mirrored, besides what `findMirrored` throws. */
export async function getMirrored(at: MirrorPlace, image: string): Promise<MirroredImage> {
  const found = await findMirrored(at, image);
  if (found !== undefined) return found;
  throw new Failure('precondition', 'NOT_MIRRORED', `${formatImage({ ...at.place, image })} is not mirrored here`);
}

/**
 * Throws `in-use` naming who else than mirror daemons and Loligo itself has the open image open, and `busy` when whoever
 * holds its lock does not answer.
 */
export async function refuseOthers(at: MirrorPlace, image: Image, name: string): Promise<void> {
  const own = at.io.cluster.addresses();
  const others = (await image.watchers()).filter(({ address }) => address !== own);
  const [stranger] = await strangersAmong(at.io, others);
  if (stranger !== undefined) {
    throw new Failure('in-use', 'IMAGE_IN_USE', `${formatImage({ ...at.place, image: name })} is in use by ${stranger}`);
  }
  await checkHolder(
    image,
    (await image.lockers()).map(({ client }) => client),
    name,
  );
}

/** Of the watchers of an image, the mirror daemons. */
export async function daemonsAmong({ io }: MirrorPlace, watchers: readonly Watcher[]): Promise<Watcher[]> {
  const own = io.cluster.addresses();
  const others = watchers.filter(({ address }) => address !== own);
  if (others.length === 0) return [];
  const daemons = await listMirrorClients(io);
  return others.filter(({ client }) => daemons.has(client));
}
