import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { toVolume } from './compare-volume.ts';
import { imageMissing, seeImage } from './look.ts';
import { KEY, RECORD, readRecord, VERSION, type VolumeRecord, writeRecord } from './record.ts';
import type { Site } from './site.ts';
import type { ImageRef, Volume } from './specs.ts';

/**
 * Makes a volume of an image that somebody else made: it gets a record, and from then on is listed, snapshotted and
 * deleted like any other. Its data is not touched. Done also when it is a volume already.
 */
export async function adoptVolume(site: Site, ref: ImageRef): Promise<Volume> {
  const io = await site.openToMake(ref);
  const seen = await seeImage(io, ref.image, [RECORD, KEY]);
  if (seen.is !== 'image') throw imageMissing(site, ref);
  const { header } = seen;
  const record = readRecord(header, ref.image) ?? adopted(site, ref, header.size);
  if (readRecord(header, ref.image) === undefined) {
    if (header.metadata.has(KEY)) throw encrypted(ref);
    await writeRecord(io, { id: header.id, features: header.features, inherits: true }, { record, key: '' });
  }
  return toVolume({ at: io, record, size: header.size, dataPool: await site.dataPoolOf(header) });
}

function adopted(site: Site, ref: ImageRef, size: bigint): VolumeRecord {
  return {
    v: VERSION,
    name: ref.image,
    instance: site.identity.instance,
    request: ref.image,
    size: String(size),
    source: '',
    mutable: { deleteRetention: 0, maxCloneDepth: 0, qos: {} },
    labels: {},
  };
}

/** Its key opens under the name of the volume that it was copied from, and a new record would remove it. */
function encrypted(ref: ImageRef): Failure {
  const message = `image ${formatImage(ref)} is a copy of an encrypted volume: give it that volume's name and metadata, or clone the volume`;
  return new Failure('precondition', 'IMAGE_ENCRYPTED', message);
}
