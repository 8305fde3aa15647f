import { disableMirror, withImage } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import type { Scope } from '#lib/scope';
import { isTorn } from '#mirror';
import type { Site } from '../site.ts';
import { eachImage } from './batch.ts';
import { unmark } from './enable-mirroring.ts';
import { findMirrored, type MirroredImage, type MirrorPlace, openMirrorPlace } from './mirrored-image.ts';
import type { DisableSpec, ImageOutcome } from './specs.ts';

/** At the primary the peer's copy goes with it (I6), which is why the caller says so. */
export async function disableMirroring(
  site: Site,
  { place, images, how }: DisableSpec,
  scope: Scope,
): Promise<readonly ImageOutcome[]> {
  const at = await openMirrorPlace(site, place);
  return await eachImage({ place, images, doing: 'ending the mirroring of' }, scope, async (image) => {
    const found = await ifThere(findMirrored(at, image));
    if (found !== undefined) {
      if (how === 'with-copy') checkPrimaryHere(at, found);
      else checkWhole(at, found);
      await withImage(at.io, found.id, async (open) => await disableMirror(open, how === 'keep-this'));
    }
    await unmark(at, image);
  });
}

async function ifThere(look: Promise<MirroredImage | undefined>): Promise<MirroredImage | undefined> {
  try {
    return await look;
  } catch (error) {
    if (error instanceof Failure && error.kind === 'not-found') return undefined;
    throw error;
  }
}

function checkPrimaryHere(at: MirrorPlace, { image, seen, isDisabling }: MirroredImage): void {
  if (isDisabling || seen.standing.role === 'primary') return;
  const message = `${formatImage({ ...at.place, image })} is not primary at site ${at.site.identity.site}: it is switched off where it is`;
  throw new Failure('precondition', 'NOT_PRIMARY', message);
}

/** What would be left is all there is of it here. */
function checkWhole(at: MirrorPlace, { image, mode, seen: { standing, snapshots } }: MirroredImage): void {
  const name = formatImage({ ...at.place, image });
  if (standing.role === 'primary') throw new Failure('precondition', 'IMAGE_IS_PRIMARY', `${name} is primary here`);
  const [newest] = snapshots;
  const whole =
    mode === 'journal' ? standing.role === 'demoted' || standing.peer !== '' : newest?.complete === true && !isTorn(snapshots);
  if (!whole)
    throw new Failure('precondition', 'COPY_INCOMPLETE', `${name} is not whole here: a copy is under way or was broken off`);
}
