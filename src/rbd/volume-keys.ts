/** Wrapped keys of encrypted volumes, found and replaced. What is in them is nothing to the engine. */
import { findHeader, type ImageHeader, type IoContext, isErrno } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { inParallel } from '#lib/in-parallel';
import { openPlaces } from './find-places.ts';
import { findVolume, getVolumeImage, type SeenVolume } from './look.ts';
import { applyMetadata, KEY, RECORD, readRecord, type VolumeRecord } from './record.ts';
import type { Site } from './site.ts';
import { getSnapshotImage } from './snapshot-record.ts';
import type { FoundKey, ImageKey, ImageRef, Source } from './specs.ts';
import { walkTrash } from './walk-trash.ts';
import { walkVolumes } from './walk-volumes.ts';

const AT_ONCE = 16;

/** The wrapped key of an encrypted volume, '' for another. Throws `precondition` when it is lost. */
export function storedKeyOf(ref: ImageRef, { record, header }: Pick<SeenVolume, 'record' | 'header'>): string {
  if (record.luksHeader === undefined) return '';
  const key = header.metadata.get(KEY);
  if (key !== undefined) return key;
  throw new Failure(
    'precondition',
    'VOLUME_KEY_LOST',
    `${formatImage(ref)} is encrypted, and its metadata ${KEY} is gone: put it back`,
  );
}

/** Throws `not-found` for a source that is not there. */
export async function findKey(
  site: Site,
  { volume, source }: { readonly volume: ImageRef; readonly source: Source },
): Promise<FoundKey | undefined> {
  await site.openToMake(volume); // as for CreateVolume, which follows: it may be the first volume in its place
  // An earlier call may have made it, and its source may be gone since.
  const made = await findVolume(site, volume, [KEY]);
  if (made !== undefined) return foundIn(volume, made);
  if (source.from === 'nothing') return undefined;
  if (source.from === 'volume') return foundIn(source.volume, await getVolumeImage(site, source.volume, [KEY]));
  const seen = (await getSnapshotImage(site, source.snapshot)).volume;
  const header = seen.record.luksHeader === undefined ? undefined : await findHeader(seen.io, seen.header.id, [KEY]);
  return header && foundIn({ ...source.snapshot, image: seen.record.name }, { ...seen, header });
}

function foundIn(ref: ImageRef, seen: Pick<SeenVolume, 'record' | 'header'>): FoundKey | undefined {
  const { pool, namespace, image } = ref;
  const key = storedKeyOf(ref, seen);
  return key === '' ? undefined : { volume: { pool, namespace, image }, key };
}

/** Those of all volumes that this instance made, deleted ones and those in the trash too. */
export async function listKeys(site: Site): Promise<readonly ImageKey[]> {
  const keys: ImageKey[] = [];
  for await (const { io, header, record } of walkVolumes(site, undefined, 0)) {
    if (record.luksHeader === undefined) continue;
    keys.push(...keyIn(io, record, await findHeader(io, header.id, [KEY])));
  }
  for await (const io of openPlaces(site)) keys.push(...(await trashedKeys(site, io)));
  return keys;
}

async function trashedKeys(site: Site, io: IoContext): Promise<ImageKey[]> {
  const keys: ImageKey[] = [];
  for await (const page of walkTrash(io)) {
    await inParallel(page, AT_ONCE, async ({ id, name }) => {
      const header = await findHeader(io, id, [RECORD, KEY]);
      const record = header && readRecord(header, name);
      if (record?.instance === site.identity.instance) keys.push(...keyIn(io, record, header));
    });
  }
  return keys;
}

/** One that lost its key is left out: there is nothing to wrap anew. */
function keyIn({ pool, namespace }: IoContext, { name }: VolumeRecord, header: ImageHeader | undefined): ImageKey[] {
  const key = header?.metadata.get(KEY);
  return header === undefined || key === undefined ? [] : [{ volume: { pool, namespace, image: name }, id: header.id, key }];
}

/** Any wrapping of the one data key is right, so it does not matter who was last. */
export async function replaceKey(site: Site, { volume, id, key }: ImageKey): Promise<void> {
  const io = await site.open(volume);
  const header = await findHeader(io, id, [KEY]);
  if (!header?.metadata.has(KEY)) return;
  try {
    await applyMetadata(io, header, { set: new Map([[KEY, key]]), remove: [] });
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error; // purged meanwhile
  }
}
