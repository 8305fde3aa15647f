/**
 * Makes an empty image. Of the plain shape (nothing that a journal, stripes or a data pool need) we write it ourselves,
 * its record included, in four round trips; librbd takes eight, and the record two more. What a cut-off call leaves is
 * the same either way (half-made.ts), but for the object map, which we write before the header.
 */
import { randomBytes } from 'node:crypto';
import {
  addToDirectory,
  createHeader,
  createIdObject,
  createImage,
  createObjectMap,
  dropObject,
  findImageId,
  type IoContext,
  isErrno,
  type NewImage,
  readPoolInfo,
  removeFromDirectory,
} from '#ceph';
import { chooseSize } from './choose-size.ts';
import { featureBits, OBJECT_MAP } from './features.ts';
import { imageOptions } from './image-shape.ts';
import type { Made } from './made.ts';
import { metadataOf, type VolumeRecord } from './record.ts';
import type { Site } from './site.ts';
import type { VolumeSpec } from './specs.ts';

/** 14 characters: a longer id makes names of objects that the kernel client does not take. */
const ID_BYTES = 7;
/** What librbd writes to `rbd_info` once it has seen that the pool takes snapshots; the first image makes it look. */
const VALIDATED = 'overwrite validated';

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
    if (isPlain(want) && (await isValidated(site, io))) {
      const id = randomBytes(ID_BYTES).toString('hex');
      const order = Math.log2(Number(want.layout.objectSize));
      await writeImage(io, { name: want.image, id, size, order, features, metadata: metadataOf(recordOf(size)) });
      return { id, size, features, inherits: false, marked: true };
    }
    await createImage(io, want.image, { size, options: imageOptions(want) });
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return 'taken';
    throw error;
  }
  const id = await findImageId(io, want.image);
  return id === undefined ? undefined : { id, size, features, inherits: false, marked: false };
}

function isPlain({ layout }: VolumeSpec): boolean {
  const needsMore = layout.features.includes('journaling') || layout.features.includes('striping');
  return layout.dataPool === '' && layout.stripeCount === 0n && !needsMore;
}

async function isValidated(site: Site, io: IoContext): Promise<boolean> {
  if (site.validatedPools.has(io.pool)) return true;
  const base = await site.openAny({ pool: io.pool, namespace: '' });
  const validated = await readPoolInfo(base).then(
    (info) => info === VALIDATED,
    (error) => {
      if (isErrno(error, 'ENOENT', 'EPERM', 'EACCES')) return false;
      throw error;
    },
  );
  if (validated) site.validatedPools.add(io.pool);
  return validated;
}

/**
 * The directory first: whoever is there first has the name. A failure that is known to be one (a full pool) takes
 * back what was written, the last first; after one of unknown outcome that is left to whoever comes next.
 */
async function writeImage(io: IoContext, image: NewImage): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  try {
    await addToDirectory(io, image);
    undo.push(() => removeFromDirectory(io, image));
    await createIdObject(io, image);
    undo.push(() => dropObject(io, `rbd_id.${image.name}`));
    if ((image.features & OBJECT_MAP) !== 0n) {
      await createObjectMap(io, image);
      undo.push(() => dropObject(io, `rbd_object_map.${image.id}`));
    }
    await createHeader(io, image);
  } catch (error) {
    if (!isErrno(error, 'ETIMEDOUT')) for (const takeBack of undo.reverse()) await takeBack();
    throw error;
  }
}
