/**
 * Makes a volume by copying: the way of a snapshot that cannot be cloned (a group's member before librbd 19). The copy
 * grows under a name of its own and gets the volume's name last, so the volume's name never shows a part of it; a copy
 * that was cut off is thrown away and begun again. The states and their invariants are in copy-note.ts.
 */
import { randomBytes } from 'node:crypto';
import { findHeader, findImageId, Image, type IoContext, isErrno, isWatched, moveToTrash, renameImage, showSnapshot } from '#ceph';
import { Failure } from '#lib/failure';
import { INTERNAL } from '#lib/handle';
import { openToChange } from './change-image.ts';
import { chooseSize } from './choose-size.ts';
import { describeSource } from './compare-volume.ts';
import { draftsOf } from './copy-note.ts';
import type { EngineScope } from './engine-scope.ts';
import { dropHalfMade, dropStaleId } from './half-made.ts';
import { imageOptions } from './image-shape.ts';
import { seeImage } from './look.ts';
import { recordOf, writeRecord } from './record.ts';
import type { Site } from './site.ts';
import { findSnapshot, type SeenSnapshot } from './snapshot-record.ts';
import { addWork, type CopyWork, type Outcome, swapCopy } from './work-index.ts';

export async function copyVolume(site: Site, io: IoContext, work: CopyWork, scope: EngineScope): Promise<Outcome> {
  if (work.instance !== site.identity.instance) return 'waiting';
  if (work.is === 'off') return await clear(site, io, work);
  // Two at once would undo each other's half of the renaming.
  if (work.is === 'ready') return site.mayBeUnderWay(work.since) ? 'waiting' : await publish(site, io, work);
  if (work.is === 'copying' && (await isAlive(site, io, work))) return 'waiting';
  return await attempt({ site, io, work, scope });
}

/** True while whoever began the attempt may be at it: it holds the draft open but for moments. */
async function isAlive(site: Site, io: IoContext, work: CopyWork): Promise<boolean> {
  if (site.mayBeUnderWay(work.since)) return true;
  const seen = await seeImage(io, work.draft);
  return seen.is === 'image' && (await isWatched(io, seen.header.id));
}

interface Attempt {
  readonly site: Site;
  readonly io: IoContext;
  readonly work: CopyWork;
  readonly scope: EngineScope;
}

async function attempt({ site, io, work, scope }: Attempt): Promise<Outcome> {
  const draft = `${INTERNAL}copy-${randomBytes(8).toString('hex')}`;
  const mine: CopyWork = { ...work, is: 'copying', draft, since: Date.now(), left: draftsOf(work) };
  if (!(await swapCopy(io, work, mine))) return 'waiting';
  for (const name of mine.left) await dropDraft(site, io, name);
  const source = await findSnapshot(site, work.from);
  if (source === undefined || (await seeImage(io, work.image)).is !== 'absent') return await giveUp(site, io, mine);
  try {
    await makeDraft({ site, io, work: mine, scope }, source);
  } catch (error) {
    // What is known to have ended need not be waited for.
    await swapCopy(io, mine, { ...mine, is: 'wanted', draft: '', left: draftsOf(mine) });
    throw error;
  }
  const ready: CopyWork = { ...mine, is: 'ready', since: Date.now() };
  if (await swapCopy(io, mine, ready)) return await publish(site, io, ready);
  await dropDraft(site, io, draft);
  return 'waiting';
}

async function makeDraft({ site, io, work, scope }: Attempt, source: SeenSnapshot): Promise<void> {
  const { draft, spec } = work;
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

/** Gives the draft the volume's name, or finds that it has it. */
async function publish(site: Site, io: IoContext, work: CopyWork): Promise<Outcome> {
  if ((await seeImage(io, work.draft)).is !== 'absent') {
    if ((await seeImage(io, work.image)).is !== 'absent') return await giveUp(site, io, work);
    await dropStaleId(io, work.image);
    await renameImage(io, work.draft, work.image);
  }
  return await giveUp(site, io, { ...work, draft: '' }, work);
}

/** There is nothing more to make; what attempts left goes. */
async function giveUp(site: Site, io: IoContext, work: CopyWork, from = work): Promise<Outcome> {
  const off: CopyWork = { ...work, is: 'off' };
  return (await swapCopy(io, from, off)) ? await clear(site, io, off) : 'waiting';
}

async function clear(site: Site, io: IoContext, work: CopyWork): Promise<Outcome> {
  let isClear = true;
  for (const name of draftsOf(work)) isClear = (await dropDraft(site, io, name)) && isClear;
  return isClear && (await swapCopy(io, work, undefined)) ? 'done' : 'waiting';
}

/**
 * False while somebody may be at it. The attempt that makes it may be between two steps, and what it opens in the middle
 * of a removal it makes anew by locking it, without a name. So the draft goes to the trash, and from there when nobody
 * can have a hand in it any more.
 */
async function dropDraft(site: Site, io: IoContext, draft: string): Promise<boolean> {
  const seen = await seeImage(io, draft);
  try {
    if (seen.is === 'absent') await dropStaleId(io, draft);
    else if (seen.is === 'headless') await dropHalfMade(site, io, { pool: io.pool, namespace: io.namespace, image: draft });
    else await throwDraftAway(site, io, { draft, id: seen.header.id });
  } catch (error) {
    if (isErrno(error, 'EBUSY') || (error instanceof Failure && error.kind === 'busy')) return false;
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  return true;
}

async function throwDraftAway(site: Site, io: IoContext, { draft, id }: { draft: string; id: string }): Promise<void> {
  await addWork(io, { do: 'purge', image: id, notBefore: Date.now() + site.identity.creatorLife * 1000 });
  await moveToTrash(io, draft, 0);
}
