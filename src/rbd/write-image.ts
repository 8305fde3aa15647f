/**
 * Makes an image by writing its objects ourselves, where its shape allows it: an empty one in four round trips, its
 * record included, where librbd takes eight and the record two more; a clone in seven, of any size, where librbd takes
 * over thirty. What a cut-off call leaves is the same either way (half-made.ts), but for the object map, which we write
 * before the header.
 */
import { randomBytes } from 'node:crypto';
import {
  addToDirectory,
  attachChild,
  attachParent,
  createHeader,
  createIdObject,
  createObjectMap,
  dropObject,
  type IoContext,
  isErrno,
  type NewImage,
  type ParentSnapshot,
  readPoolInfo,
  removeFromDirectory,
  setStripe,
} from '#ceph';
import { wantedStripe } from './compare-volume.ts';
import { featureBits, JOURNALING, OBJECT_MAP, STRIPING } from './features.ts';
import type { Site } from './site.ts';
import type { VolumeSpec } from './specs.ts';

/** 14 characters: a longer id makes names of objects that the kernel client does not take. */
const ID_BYTES = 7;
/** What librbd writes to `rbd_info` once it has seen that the pool takes snapshots; the first image makes it look. */
const VALIDATED = 'overwrite validated';

/**
 * Whether librbd had better make the image: one with a journal or stripes, which are writes behind the header, or the
 * first in the pool of its data.
 */
export async function isLeftToLibrbd(site: Site, { layout, pool }: VolumeSpec): Promise<boolean> {
  if (layout.stripeCount !== 0n || layout.features.includes('journaling') || layout.features.includes('striping')) return true;
  return !(await isValidated(site, layout.dataPool || pool));
}

async function isValidated(site: Site, pool: string): Promise<boolean> {
  if (site.validatedPools.has(pool)) return true;
  const info = readPoolInfo(await site.openAny({ pool, namespace: '' }));
  const validated = await info.then(
    (text) => text === VALIDATED,
    (error) => {
      if (isErrno(error, 'ENOENT', 'EPERM', 'EACCES')) return false;
      throw error;
    },
  );
  if (validated) site.validatedPools.add(pool);
  return validated;
}

/** The image to write, without its metadata and its journal. */
export async function planImage(site: Site, want: VolumeSpec, size: bigint): Promise<NewImage> {
  const { layout, image } = want;
  const data = layout.dataPool === '' ? undefined : await site.openAny({ pool: layout.dataPool, namespace: '' });
  const { objectSize } = layout;
  const stripe = wantedStripe(want);
  const isStriped = stripe.count > 1n || stripe.unit !== objectSize;
  const chosen = featureBits(layout.features) & ~(STRIPING | JOURNALING);
  return {
    name: image,
    id: randomBytes(ID_BYTES).toString('hex'),
    size,
    order: Math.log2(Number(objectSize)),
    features: isStriped ? chosen | STRIPING : chosen,
    stripe: isStriped ? stripe : undefined,
    dataPoolId: data?.poolId,
    metadata: new Map(),
  };
}

/** Throws CephError EEXIST for a name that is taken. */
export async function writeEmpty(io: IoContext, image: NewImage): Promise<void> {
  await inOrder(stepsOf(io, image));
}

/** Throws CephError EEXIST for a name that is taken, ENOENT when the snapshot was removed meanwhile. */
export async function writeClone(io: IoContext, image: NewImage, parent: ParentSnapshot): Promise<void> {
  await inOrder([
    ...stepsOf(io, image),
    ...(image.stripe === undefined ? [] : [{ write: () => setStripe(io, image) }]),
    { write: () => attachParent(io, image, parent) },
    { write: () => attachChild(io, image, parent) },
  ]);
}

interface Step {
  write(): Promise<void>;
  takeBack?(): Promise<void>;
}

/** The directory first: whoever is there first has the name. */
function stepsOf(io: IoContext, image: NewImage): Step[] {
  const map = `rbd_object_map.${image.id}`;
  const objectMap = { write: () => createObjectMap(io, image), takeBack: () => dropObject(io, map) };
  return [
    { write: () => addToDirectory(io, image), takeBack: () => removeFromDirectory(io, image) },
    { write: () => createIdObject(io, image), takeBack: () => dropObject(io, `rbd_id.${image.name}`) },
    ...((image.features & OBJECT_MAP) === 0n ? [] : [objectMap]),
    { write: () => createHeader(io, image), takeBack: () => dropObject(io, `rbd_header.${image.id}`) },
  ];
}

/**
 * A failure that is known to be one (a full pool) takes back what was written, the last first; after one of unknown
 * outcome that is left to whoever comes next.
 */
async function inOrder(steps: readonly Step[]): Promise<void> {
  const done: Step[] = [];
  try {
    for (const step of steps) {
      await step.write();
      done.push(step);
    }
  } catch (error) {
    if (!isErrno(error, 'ETIMEDOUT')) for (const step of done.reverse()) await step.takeBack?.();
    throw error;
  }
}
