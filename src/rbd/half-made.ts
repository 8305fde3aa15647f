/**
 * Images that a cut-off creation left. Measured on Ceph 16: a killed `rbd_create` leaves a directory entry alone, an
 * `rbd_id` alone, both without a header, or a header without its object map; a killed clone may lack its parent.
 * A repeated create then answers EEXIST for ever. `rbd_remove` cleans all of these.
 *
 * Another controller may be making the very image just now, so one is removed only when it is older than any creator
 * can live (`Identity.creatorLife`); until then the answer is `busy`.
 */
import {
  createIdObject,
  diffImage,
  dropIdObject,
  dropObject,
  findDirectoryId,
  findImageId,
  Image,
  type ImageHeader,
  type IoContext,
  isErrno,
  removeImage,
  statObject,
} from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage, type ImageRef } from '#lib/handle';
import type { Scope } from '#lib/scope';
import { OBJECT_MAP } from './features.ts';
import type { SeenImage } from './look.ts';
import { strangersAmong } from './own-clients.ts';
import { PlaceLock } from './place-lock.ts';
import type { Site } from './site.ts';

/** What anyone could miss of an image: its data or a snapshot; or only that somebody, or Loligo, has it open now. */
export async function contentOf(io: IoContext, header: ImageHeader): Promise<'nothing' | 'open-here' | 'open' | 'data'> {
  if (header.snapshotIds.length > 0) return 'data';
  await using image = await Image.openReadOnly(io, { id: header.id });
  const everything = { offset: 0n, length: header.size, max: 1, withParents: false, wholeObjects: true };
  if ((await diffImage(image, null, everything)).length > 0) return 'data';
  const watchers = await image.watchers();
  if (watchers.length === 0) return 'nothing';
  return (await strangersAmong(io, watchers)).length === 0 ? 'open-here' : 'open';
}

/** True unless the image was cut off before its object map was made; such a one opens cleanly and turns invalid for good. */
export async function hasItsObjectMap(io: IoContext, header: ImageHeader): Promise<boolean> {
  if ((header.features & OBJECT_MAP) === 0n) return true;
  return (await statObject(io, `rbd_object_map.${header.id}`)) !== undefined;
}

/** What was found under a name, and judged to be half-made. */
export interface HalfMade {
  readonly ref: ImageRef;
  readonly seen: SeenImage;
}

/** Removes what a cut-off creation left under the name, or throws `busy` while its creator may be at work. */
export async function dropHalfMade(site: Site, { ref, seen }: HalfMade, scope: Scope): Promise<void> {
  const io = await site.open(ref);
  const age = Date.now() - (await bornAt(site, { ref, seen }));
  const life = site.identity.creatorLife * 1000;
  if (age < life) {
    const seconds = Math.ceil((life - age) / 1000);
    throw halfMade(ref, `is half-made; unless its maker finishes it, it is made anew in ${seconds} s`);
  }
  // Two that remove by one name would take what the other has made meanwhile.
  await using alone = await PlaceLock.tryTake(io, 'half-made', scope.log);
  if (alone === undefined || (await findDirectoryId(io, ref.image)) !== idOf(seen)) {
    throw halfMade(ref, 'is half-made, and somebody else is just making it anew');
  }
  await removeLeftovers(site, ref, idOf(seen));
  site.firstSeen.delete(formatImage(ref));
}

function halfMade(ref: ImageRef, what: string): Failure {
  return new Failure('busy', 'IMAGE_HALF_MADE', `${formatImage(ref)} ${what}`);
}

function idOf(seen: SeenImage): string | undefined {
  switch (seen.is) {
    case 'absent':
      return undefined;
    case 'headless':
      return seen.id;
    case 'image':
      return seen.header.id;
  }
}

/**
 * An `rbd_id` that the directory knows nothing of is removed alone: after a rename that was cut off it still names an
 * image that lives on under another name, and `rbd_remove` would follow it there.
 */
async function removeLeftovers(site: Site, ref: ImageRef, id: string | undefined): Promise<void> {
  const [io, name] = [await site.open(ref), ref.image];
  if (id === undefined) return await dropStaleId(site, ref);
  // Ours is written before the header, and `rbd_remove` finds it through that.
  await dropObject(io, `rbd_object_map.${id}`);
  try {
    await removeImage(io, name);
  } catch (error) {
    // It says ENOENT for the part that was missing also when it removed the rest.
    if (!isErrno(error, 'ENOENT') || (await findDirectoryId(io, name)) !== undefined) throw error;
  }
}

/**
 * Drops an `rbd_id` that a cut-off rename or creation left under a name which the directory does not know. librbd writes it
 * before the directory, so a young one may be somebody's at work: then it throws `busy`. What was written anew since it
 * was looked at stays.
 */
export async function dropStaleId(site: Site, ref: ImageRef): Promise<void> {
  const io = await site.open(ref);
  const id = await findImageId(io, ref.image);
  if (id === undefined || (await findDirectoryId(io, ref.image)) !== undefined) return;
  const written = await statObject(io, `rbd_id.${ref.image}`);
  if (written !== undefined && site.mayBeUnderWay(written.changedAt))
    throw halfMade(ref, 'is being made or renamed, or was cut off');
  await dropIdObject(io, ref.image, id);
}

/** Makes the `rbd_id` anew that an image in the directory has lost: nobody could map it by its name without. */
export async function ensureIdObject(io: IoContext, name: string, id: string): Promise<void> {
  if ((await findImageId(io, name)) !== undefined) return;
  try {
    await createIdObject(io, { name, id });
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
}

/** Milliseconds since the epoch; what carries no date counts from when we first saw it. */
async function bornAt(site: Site, { ref, seen }: HalfMade): Promise<number> {
  if (seen.is === 'image' && seen.header.createdAt > 0) return seen.header.createdAt;
  const idObject = await statObject(await site.open(ref), `rbd_id.${ref.image}`);
  if (idObject !== undefined) return idObject.changedAt;
  const key = formatImage(ref);
  const first = site.firstSeen.get(key) ?? Date.now();
  site.firstSeen.set(key, first);
  return first;
}
