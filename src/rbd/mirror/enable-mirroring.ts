/** Parents first: rbd-mirror makes a clone at the peer from the parent's copy there. */
import {
  enableMirror,
  findDirectoryName,
  findHeader,
  findMirrorImage,
  type ImageHeader,
  isErrno,
  type Parent,
  readSnapshots,
  withImage,
} from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { checkpoint, type Scope } from '#lib/scope';
import { imageMissing, seeImage } from '../look.ts';
import { applyMetadata } from '../record.ts';
import type { Site } from '../site.ts';
import { addWork } from '../work-index.ts';
import { eachImage } from './batch.ts';
import { formatMark, MIRROR_MARK } from './mark.ts';
import { findMirrored, type MirrorPlace, openMirrorPlace } from './mirrored-image.ts';
import type { EnableSpec, ImageOutcome } from './specs.ts';
import { noReceiver } from './take-mirror-snapshots.ts';

type How = Pick<EnableSpec, 'mode' | 'parents' | 'policy'>;

export async function enableMirroring(site: Site, spec: EnableSpec, scope: Scope): Promise<readonly ImageOutcome[]> {
  const { place, images } = spec;
  const at = await openMirrorPlace(site, place);
  return await eachImage(
    { place, images, doing: 'mirroring' },
    scope,
    async (image) => await enable(at, { image, how: spec }, scope),
  );
}

interface Wanted {
  readonly image: string;
  readonly how: How;
}

async function enable(at: MirrorPlace, { image, how }: Wanted, scope: Scope): Promise<void> {
  const name = formatImage({ ...at.place, image });
  const found = await findMirrored(at, image);
  if (found !== undefined) {
    if (found.isDisabling) throw new Failure('busy', 'IMAGE_BUSY', `${name} is just being taken out of mirroring`);
    if (found.mode !== how.mode) throw otherMode(name, found.mode);
    if (found.seen.standing.role === 'primary') await mark(at, { image, how });
    return;
  }
  if (!at.hasReceiver) throw noReceiver(at, image);
  const header = await getHeader(at, image);
  if (header.parent !== undefined) await settleParent(at, { image, how, parent: header.parent }, scope);
  checkpoint(scope);
  await mark(at, { image, how });
  await withImage(at.io, header.id, async (open) => {
    try {
      await enableMirror(open, how.mode);
    } catch (error) {
      if (!isErrno(error, 'EINVAL')) throw error;
      // Another call was faster, or Ceph has a reason that nothing here knows.
      if ((await findMirrored(at, image))?.mode !== how.mode) throw error;
    }
  });
}

async function getHeader(at: MirrorPlace, image: string): Promise<ImageHeader> {
  const seen = await seeImage(at.io, image, [MIRROR_MARK]);
  if (seen.is === 'image') return seen.header;
  throw imageMissing(at.site, { ...at.place, image });
}

function otherMode(name: string, mode: string): Failure {
  const message = `${name} is mirrored in ${mode} mode; another mode takes switching it off and on, which copies all of it anew`;
  return new Failure('conflict', 'MIRROR_MODE_DIFFERS', message);
}

async function mark(at: MirrorPlace, { image, how }: Wanted): Promise<void> {
  const header = await getHeader(at, image);
  const text = formatMark(image, how.policy);
  if (header.metadata.get(MIRROR_MARK) !== text) {
    await applyMetadata(at.io, header, { set: new Map([[MIRROR_MARK, text]]), remove: [] });
  }
}

async function settleParent(
  at: MirrorPlace,
  { image, how, parent }: Wanted & { readonly parent: Parent },
  scope: Scope,
): Promise<void> {
  const name = formatImage({ ...at.place, image });
  const place = { pool: await at.site.poolName(parent.poolId), namespace: parent.namespace };
  const io = await at.site.openAny(place);
  const entry = await findMirrorImage(io, parent.imageId);
  if (entry?.state === 1) return;
  if (how.parents === 'flatten') {
    await addWork(at.io, { do: 'flatten', image, since: Date.now() });
    throw new Failure(
      'unfinished',
      'FLATTEN_RUNNING',
      `${name} is being made independent of its parent; it is mirrored after that`,
    );
  }
  const parentImage = await findDirectoryName(io, parent.imageId);
  if (how.parents === 'refuse') {
    const message = `the parent of ${name}, ${parentImage ?? 'which is in the trash'}, is not mirrored`;
    throw new Failure('precondition', 'PARENT_NOT_MIRRORED', message);
  }
  const [snapshot] = await readSnapshots(io, parent.imageId, [parent.snapshotId]);
  if (parentImage === undefined || snapshot?.namespace.kind !== 'user') {
    const message = `the parent of ${name}, or the snapshot that it is cloned from, is deleted: it can be flattened, not mirrored with its parent`;
    throw new Failure('precondition', 'PARENT_IN_TRASH', message);
  }
  checkpoint(scope);
  await enable(await openMirrorPlace(at.site, place), { image: parentImage, how }, scope);
}

/** Takes the mark off: of an image that is no longer mirrored. */
export async function unmark(at: MirrorPlace, image: string): Promise<void> {
  const seen = await seeImage(at.io, image, [MIRROR_MARK]);
  if (seen.is !== 'image' || !seen.header.metadata.has(MIRROR_MARK)) return;
  await applyMetadata(at.io, (await findHeader(at.io, seen.header.id, [])) ?? seen.header, {
    set: new Map(),
    remove: [MIRROR_MARK],
  });
}
