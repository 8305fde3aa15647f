/** Makes an empty image: where we write it ourselves, with its record in the same writes. */
import { createImage, findImageId, isErrno } from '#ceph';
import { chooseSize } from './choose-size.ts';
import { featureBits } from './features.ts';
import { imageOptions } from './image-shape.ts';
import type { Made } from './made.ts';
import { metadataOf, type VolumeRecord } from './record.ts';
import type { Site } from './site.ts';
import type { VolumeSpec } from './specs.ts';
import { isLeftToLibrbd, planImage, writeEmpty } from './write-image.ts';

/** An image, 'taken' when the name is, or undefined when it was removed at once. */
export async function makeEmpty(
  site: Site,
  want: VolumeSpec,
  recordOf: (size: bigint) => VolumeRecord,
): Promise<Made | 'taken' | undefined> {
  const io = await site.openToMake(want);
  const size = chooseSize(want, 0n);
  const features = featureBits(want.layout.features);
  try {
    if (!(await isLeftToLibrbd(site, want))) {
      const image = await planImage(site, want, size);
      await writeEmpty(io, { ...image, metadata: metadataOf({ record: recordOf(size), key: want.key }) });
      return { id: image.id, size, features, inherits: false, marked: true };
    }
    await createImage(io, want.image, { size, options: imageOptions(want) });
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return 'taken';
    throw error;
  }
  const id = await findImageId(io, want.image);
  return id === undefined ? undefined : { id, size, features, inherits: false, marked: false };
}
