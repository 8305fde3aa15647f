/**
 * Makes the image a volume needs, or finishes what an earlier call began.
 *
 * Safe to repeat after a crash at any line: the image's name is the reservation, and the record is written last. What
 * a repeated call can find under the name: nothing; an image cut short while it was made (half-made.ts); a whole
 * image without a record; a volume.
 */
import { type ImageHeader, isErrno } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { checkpoint, type Scope } from '#lib/scope';
import { chooseSize } from './choose-size.ts';
import { ensureJournal, growClone, makeFromSnapshot, planFlattenAgain } from './clone-snapshot.ts';
import { makeFromVolume } from './clone-volume.ts';
import { compareVolume, describeSource, toVolume } from './compare-volume.ts';
import { checkDataPool } from './data-pool.ts';
import { featureBits } from './features.ts';
import { dropHalfMade, ensureIdObject } from './half-made.ts';
import { type SeenImage, seeImage } from './look.ts';
import type { Made } from './made.ts';
import { makeEmpty } from './make-empty.ts';
import { checkObjectCount } from './object-count.ts';
import { headerFor, readRecord, recordOf, type VolumeRecord, writeRecord } from './record.ts';
import type { Site } from './site.ts';
import type { Volume, VolumeSpec } from './specs.ts';
import { judgeUnmarked } from './unmarked.ts';

export async function createVolume(site: Site, want: VolumeSpec, scope: Scope): Promise<Volume> {
  await checkDataPool(site, want.layout.dataPool);
  checkObjectCount(want.size + headerFor(want), { ...want.layout, features: featureBits(want.layout.features) });

  const made = await make(site, want, scope);
  checkpoint(scope);
  return made === 'taken' ? await goOn(site, want, scope) : await mark(site, want, made);
}

/** Makes the image; 'taken' when there is something of that name. */
async function make(site: Site, want: VolumeSpec, scope: Scope): Promise<Made | 'taken'> {
  const io = await site.openToMake(want);
  if (want.source.from === 'nothing') return await makeFromNothing(site, want);
  // A snapshot for a name that is taken would be for nothing, and its source may be gone by now.
  if ((await seeImage(io, want.image)).is !== 'absent') return 'taken';
  try {
    return want.source.from === 'snapshot'
      ? await makeFromSnapshot(site, want, want.source.snapshot, scope)
      : await makeFromVolume(site, want, want.source.volume, scope);
  } catch (error) {
    // Another controller that was asked the same was faster.
    if (isErrno(error, 'EEXIST')) return 'taken';
    throw error;
  }
}

async function makeFromNothing(site: Site, want: VolumeSpec): Promise<Made | 'taken'> {
  const made = await makeEmpty(site, want, (size) => recordFor(site, want, size));
  if (made === undefined) throw vanished(want);
  return made;
}

/** What to do with what is there: answer it, finish it, make it anew, or refuse. */
async function goOn(site: Site, want: VolumeSpec, scope: Scope): Promise<Volume> {
  const io = await site.openToMake(want);
  const seen = await seeImage(io, want.image);
  if (seen.is !== 'image') return await makeAnew(site, { want, seen }, scope);
  const record = readRecord(seen.header, want.image);
  if (record === undefined) return await goOnUnmarked(site, want, seen.header, scope);

  await compareVolume(site, want, { header: seen.header, record });
  await ensureIdObject(io, want.image, seen.header.id);
  return toVolume({ at: want, record, size: seen.header.size, dataPool: want.layout.dataPool });
}

async function goOnUnmarked(site: Site, want: VolumeSpec, header: ImageHeader, scope: Scope): Promise<Volume> {
  const io = await site.openToMake(want);
  const verdict = await judgeUnmarked(site, want, header);
  if (verdict === 'cut-short') return await makeAnew(site, { want, seen: { is: 'image', header } }, scope);
  if (verdict === 'foreign') {
    const message = `image ${formatImage(want)} is there and was not made by Loligo; loligo volume adopt can make it a volume`;
    throw new Failure('conflict', 'IMAGE_NOT_OURS', message);
  }
  const size = chooseSize(want, header.size);
  if (size > header.size) await growClone(io, header.id, want.image, size);
  const features = await ensureJournal(io, want, header);
  await planFlattenAgain(site, want, header);
  return await mark(site, want, {
    id: header.id,
    size,
    features,
    inherits: header.parent !== undefined,
    marked: false,
  });
}

async function makeAnew(site: Site, { want, seen }: { want: VolumeSpec; seen: SeenImage }, scope: Scope): Promise<Volume> {
  await dropHalfMade(site, { ref: want, seen }, scope);
  checkpoint(scope);
  const made = await make(site, want, scope);
  if (made === 'taken') throw new Failure('busy', 'IMAGE_HALF_MADE', `${formatImage(want)} is being made by somebody else`);
  return await mark(site, want, made);
}

async function mark(site: Site, want: VolumeSpec, made: Made): Promise<Volume> {
  const record = recordFor(site, want, made.size);
  try {
    if (!made.marked) await writeRecord(await site.openToMake(want), made, { record, key: want.key });
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw vanished(want);
    throw error;
  }
  return toVolume({ at: want, record, size: made.size, dataPool: want.layout.dataPool });
}

function recordFor(site: Site, want: VolumeSpec, size: bigint): VolumeRecord {
  return recordOf(want, { instance: site.identity.instance, source: describeSource(want.source), size });
}

function vanished(want: VolumeSpec): Failure {
  return new Failure('busy', 'IMAGE_VANISHED', `${formatImage(want)} was removed while it was being made`);
}
