/**
 * Makes a volume by copying: the way of a snapshot that cannot be cloned (a group's member before librbd 19).
 *
 * The copy grows under a name of its own and gets the volume's name last, so the volume's name never shows a part of
 * it; a copy that was cut off is thrown away and begun again. Dropping the note in the work index calls it off.
 */
import { findHeader, findImageId, Image, type IoContext, isErrno, removeImage, renameImage, showSnapshot } from '#ceph';
import { Failure } from '#lib/failure';
import { INTERNAL } from '#lib/handle';
import { openToChange } from './change-image.ts';
import { chooseSize } from './choose-size.ts';
import { describeSource } from './compare-volume.ts';
import type { EngineScope } from './engine-scope.ts';
import { dropStaleId } from './half-made.ts';
import { imageOptions } from './image-shape.ts';
import { seeImage } from './look.ts';
import { recordOf, writeRecord } from './record.ts';
import type { Site } from './site.ts';
import { findSnapshot, type SeenSnapshot } from './snapshot-record.ts';
import { listWork, type Outcome, removeWork, type Work } from './work-index.ts';

type Copy = Extract<Work, { do: 'copy' }>;

export async function copyVolume(site: Site, io: IoContext, work: Copy, scope: EngineScope): Promise<Outcome> {
  if (work.instance !== site.identity.instance) return 'waiting';
  const draft = `${INTERNAL}copy-${work.image}`;
  if (!(await dropDraft(io, draft))) return 'waiting';
  const source = await findSnapshot(site, work.from);
  const free = (await seeImage(io, work.image)).is === 'absent';
  if (free && source !== undefined) await makeCopy({ site, io, work, draft, source }, scope);
  await removeWork(io, work);
  return 'done';
}

/** Throws away what a cut-off copy left; false when somebody is at work on it. */
async function dropDraft(io: IoContext, draft: string): Promise<boolean> {
  const seen = await seeImage(io, draft);
  if (seen.is === 'absent') return true;
  try {
    await removeImage(io, draft);
  } catch (error) {
    if (isErrno(error, 'EBUSY')) return false;
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  return true;
}

interface CopyPlan {
  readonly site: Site;
  readonly io: IoContext;
  readonly work: Copy;
  readonly draft: string;
  readonly source: SeenSnapshot;
}

async function makeCopy({ site, io, work, draft, source }: CopyPlan, scope: EngineScope): Promise<void> {
  const { spec } = work;
  const size = chooseSize(spec, source.info.size);
  await copyData(source, { io, draft, options: imageOptions(spec) }, scope);
  const id = await findImageId(io, draft);
  const header = id === undefined ? undefined : await findHeader(io, id, []);
  if (header === undefined) throw new Failure('busy', 'IMAGE_VANISHED', `${draft} was removed while it was being made`);
  if (size > header.size) {
    await using image = await openToChange(io, header, draft);
    await image.grow(size);
  }
  const facts = { instance: site.identity.instance, source: describeSource(spec.source), size };
  await writeRecord(io, { id: header.id, features: header.features, inherits: true }, recordOf(spec, facts));
  await publish(io, work, draft);
}

async function copyData(
  source: SeenSnapshot,
  to: { readonly io: IoContext; readonly draft: string; readonly options: ReturnType<typeof imageOptions> },
  scope: EngineScope,
): Promise<void> {
  await using image = await Image.openReadOnly(source.volume.io, { id: source.volume.header.id });
  await showSnapshot(image, source.info.id);
  await image.copyTo(to.io, to.draft, { options: to.options, progress: () => scope.progress() });
}

async function publish(io: IoContext, work: Copy, draft: string): Promise<void> {
  const wanted = (await listWork(io)).some((other) => other.do === 'copy' && other.image === work.image);
  if (!wanted) return await removeImage(io, draft);
  await dropStaleId(io, work.image);
  await renameImage(io, draft, work.image);
}
