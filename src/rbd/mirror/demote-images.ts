import { demoteImage, withImage } from '#ceph';
import type { Scope } from '#lib/scope';
import type { Site } from '../site.ts';
import { eachImage } from './batch.ts';
import { finishDemote, finishPromote } from './finish-move.ts';
import { getMirrored, openMirrorPlace, refuseOthers } from './mirrored-image.ts';
import type { DemoteSpec, ImageOutcome } from './specs.ts';
import { checkDecided } from './truth.ts';

/** Whoever writes would get errors from then on, and a file system above would break: so nobody may have it open (I8). */
export async function demoteImages(site: Site, spec: DemoteSpec, scope: Scope): Promise<readonly ImageOutcome[]> {
  const { place, images, decided } = spec;
  await checkDecided(site, decided);
  const at = await openMirrorPlace(site, place);
  return await eachImage({ place, images, doing: 'demoting' }, scope, async (name) => {
    const found = await getMirrored(at, name);
    const { id, seen } = found;
    if (seen.standing.role !== 'primary') return await finishDemote(at, found);
    // One whose demote was killed half-way takes no lock; it is made whole first.
    await finishPromote(at, found);
    await withImage(at.io, id, async (image) => {
      await refuseOthers(at, image, name);
      await demoteImage(image);
    });
  });
}
