/**
 * The note of a volume that is to be made by copying a snapshot that cannot be cloned: a piece of work (work-index.ts)
 * that says how far it is. Two controllers may be at it, or a deletion may call it off, at any moment:
 *   C1  an attempt copies into a draft of its own, which stands in the note before it is made;
 *   C2  each change of the note is by compare, and who loses the comparison has lost the attempt: it touches nothing but
 *       its own draft from then on;
 *   C3  'ready' says that the draft is whole and has its record: whoever wrote it gives it the volume's name, or who comes
 *       when that one cannot live any more;
 *   C4  drafts of attempts that were given up stand in `left` until they are gone, and the note stays as long;
 *   C5  'off' says that nobody wants the volume any more.
 */
import type { IoContext } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import type { Site } from './site.ts';
import type { ImageRef, SnapshotRef, VolumeSpec } from './specs.ts';
import { type CopyWork, findCopy, swapCopy } from './work-index.ts';

/**
 * Notes that the volume is wanted, unless that is so already. The copy goes on without the caller, who is answered with
 * the failure that this returns.
 */
export async function noteCopy(site: Site, want: VolumeSpec, from: SnapshotRef): Promise<Failure> {
  const io = await site.openToMake(want);
  const held = await findCopy(io, want.image);
  const drafts = held === undefined ? [] : draftsOf(held);
  const { instance } = site.identity;
  const fresh: CopyWork = {
    do: 'copy',
    image: want.image,
    instance,
    from,
    spec: want,
    is: 'wanted',
    draft: '',
    since: 0,
    left: drafts,
  };
  // One that is ready gets its name first: then it is a volume, and compared as such.
  if (held === undefined || (held.is !== 'ready' && !isSame(held, fresh))) await swapCopy(io, held, fresh);
  return copyRunning(want, `is being copied from ${formatImage(from)}@${from.snapshot}`);
}

function isSame(held: CopyWork, want: CopyWork): boolean {
  return held.is !== 'off' && textOf(held) === textOf(want);
}

function textOf({ instance, from, spec }: CopyWork): string {
  return JSON.stringify([instance, from, spec], (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

/** A copy that is under way is wanted no more; done also when there is none. Throws `unfinished` when it just gets its name. */
export async function callOffCopy(io: IoContext, ref: ImageRef): Promise<void> {
  const held = await findCopy(io, ref.image);
  if (held === undefined || held.is === 'off') return;
  if (held.is === 'ready' || !(await swapCopy(io, held, { ...held, is: 'off' }))) throw copyRunning(ref, 'is just being made');
}

/** All images that attempts have made, or begun. */
export function draftsOf({ draft, left }: CopyWork): string[] {
  return draft === '' ? [...left] : [...left, draft];
}

export function copyRunning(ref: ImageRef, what: string): Failure {
  return new Failure('unfinished', 'COPY_RUNNING', `${formatImage(ref)} ${what}`);
}
