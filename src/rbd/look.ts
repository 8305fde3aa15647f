/**
 * Looking at an image without opening it: two round trips, the pool's directory and the image's header.
 *
 * The directory is what counts: a rename or a move to the trash that was cut off leaves an `rbd_id` object that
 * names an image which is elsewhere by now.
 */
import { findDirectoryId, findHeader, type ImageHeader, type IoContext } from '#ceph';
import { Failure } from '#lib/failure';
import { DELETED, formatImage, type ImageRef } from '#lib/handle';
import { RECORD, readRecord, type VolumeRecord } from './record.ts';
import { poolMissing, type Site } from './site.ts';

/** An image that is a volume. */
export interface SeenVolume {
  readonly io: IoContext;
  /** As it is called now: the volume's name, or that with `.deleted`. */
  readonly image: string;
  readonly header: ImageHeader;
  readonly record: VolumeRecord;
}

/** The header behind a name, or why there is none. */
export type SeenImage =
  | { readonly is: 'absent' }
  | { readonly is: 'headless'; readonly id: string }
  | { readonly is: 'image'; readonly header: ImageHeader };

/** Throws `precondition` when the pool was deleted under us: what is not found there is not gone. */
export async function seeImage(io: IoContext, image: string, keys: readonly string[] = [RECORD]): Promise<SeenImage> {
  const id = await findDirectoryId(io, image);
  if (id === undefined) {
    if (!(await io.cluster.hasPool(io.poolId))) throw poolMissing(io);
    return { is: 'absent' };
  }
  const header = await findHeader(io, id, keys);
  return header === undefined ? { is: 'headless', id } : { is: 'image', header };
}

/** The volume of that name; undefined when there is no image, or one that is no volume. */
export async function findVolume(site: Site, ref: ImageRef, keys: readonly string[] = []): Promise<SeenVolume | undefined> {
  const io = await site.open(ref);
  const seen = await seeImage(io, ref.image, [RECORD, ...keys]);
  if (seen.is !== 'image') return undefined;
  const record = readRecord(seen.header, ref.image);
  return record && { io, image: ref.image, header: seen.header, record };
}

/** Throws `not-found`. */
export async function getVolumeImage(site: Site, ref: ImageRef, keys: readonly string[] = []): Promise<SeenVolume> {
  const seen = await findVolume(site, ref, keys);
  if (seen === undefined) throw volumeMissing(site, ref);
  return seen;
}

/** A volume under its name, or under the name that it keeps while its snapshots outlive it. */
export async function findVolumeOrDeleted(
  site: Site,
  ref: ImageRef,
  keys: readonly string[] = [],
): Promise<SeenVolume | undefined> {
  return (await findVolume(site, ref, keys)) ?? (await findVolume(site, { ...ref, image: ref.image + DELETED }, keys));
}

export function volumeMissing(site: Site, ref: ImageRef): Failure {
  return new Failure('not-found', 'VOLUME_NOT_FOUND', `cluster ${site.identity.cluster} has no volume ${formatImage(ref)}`);
}

export function imageMissing(site: Site, ref: ImageRef): Failure {
  return new Failure('not-found', 'IMAGE_NOT_FOUND', `cluster ${site.identity.cluster} has no image ${formatImage(ref)}`);
}
