import { isErrno, promoteImage, withImage } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import type { Scope } from '#lib/scope';
import { isTorn } from '#mirror';
import type { Site } from '../site.ts';
import type { Place } from '../specs.ts';
import { eachImage } from './batch.ts';
import { finishPromote } from './finish-move.ts';
import { getMirrored, type MirroredImage, type MirrorPlace, openMirrorPlace } from './mirrored-image.ts';
import type { ImageOutcome, PromoteSpec } from './specs.ts';
import { checkDecided } from './truth.ts';

/**
 * Never by force, whatever happens (I1). What Ceph allows is not enough: at a site whose newest state is its own demotion it
 * allows a promote that drops all the peer wrote since. So the newest state here has to be the very demotion that was named.
 */
export async function promoteImages(site: Site, spec: PromoteSpec, scope: Scope): Promise<readonly ImageOutcome[]> {
  const { place, images, decided } = spec;
  await checkDecided(site, decided);
  const at = await openMirrorPlace(site, place);
  const marks = new Map(images.map(({ image, demotion }) => [image, demotion]));
  return await eachImage({ place, images: [...marks.keys()], doing: 'promoting' }, scope, async (name) => {
    const found = await getMirrored(at, name);
    if (found.seen.standing.role === 'primary') return await finishPromote(at, found);
    checkDemotion(found, place, marks.get(name) ?? '');
    await promote(at, found);
  });
}

function checkDemotion({ image, seen: { standing, snapshots } }: MirroredImage, place: Place, wanted: string): void {
  const name = formatImage({ ...place, image });
  if (isTorn(snapshots)) throw tornCopy(name);
  if (standing.role !== 'demoted') throw notPropagated(`the demotion of ${name} is not here yet`);
  if (standing.mark !== wanted) {
    const message = `${name} is at demotion ${standing.mark} here, and ${wanted} is asked for: what was written in between would be lost`;
    throw new Failure('busy', 'DEMOTION_STALE', message);
  }
  if (!standing.complete) throw notPropagated(`the demotion of ${name} is being copied`);
}

async function promote(at: MirrorPlace, { id, image: name }: MirroredImage): Promise<void> {
  try {
    await withImage(at.io, id, async (image) => await promoteImage(image, false));
  } catch (error) {
    if (isErrno(error, 'EBUSY', 'EROFS')) {
      throw notPropagated(`Ceph does not let ${formatImage({ ...at.place, image: name })} be promoted yet`, error);
    }
    // Another call was faster.
    if (isErrno(error, 'EINVAL') && (await getMirrored(at, name)).seen.standing.role === 'primary') return;
    throw error;
  }
}

function notPropagated(message: string, cause?: unknown): Failure {
  return new Failure('busy', 'DEMOTION_NOT_PROPAGATED', message, { cause });
}

export function tornCopy(name: string): Failure {
  const message = `${name}: a forced promote was killed half-way, and promoting again would keep a mixture of two states`;
  return new Failure('precondition', 'COPY_TORN', message);
}
