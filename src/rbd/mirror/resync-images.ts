import { askForResync, withImage } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import type { Scope } from '#lib/scope';
import type { Site } from '../site.ts';
import { eachImage } from './batch.ts';
import { getMirrored, openMirrorPlace } from './mirrored-image.ts';
import type { ImageOutcome, ResyncSpec } from './specs.ts';
import { mirrorTruth } from './truth.ts';

/** It destroys the copy here first, so the truth must say that another site is primary (I5). */
export async function resyncImages(site: Site, spec: ResyncSpec, scope: Scope): Promise<readonly ImageOutcome[]> {
  const { place, images } = spec;
  await checkSuperseded(site, spec);
  const at = await openMirrorPlace(site, place);
  return await eachImage({ place, images, doing: 'copying anew' }, scope, async (name) => {
    const { id, seen } = await getMirrored(at, name);
    if (seen.resyncAsked) return;
    if (seen.standing.role === 'primary') {
      throw new Failure(
        'precondition',
        'IMAGE_IS_PRIMARY',
        `${formatImage({ ...place, image: name })} is primary here; demote it first`,
      );
    }
    await withImage(at.io, id, askForResync);
  });
}

async function checkSuperseded(site: Site, { policy, epoch }: ResyncSpec): Promise<void> {
  const { truth } = await mirrorTruth(site, policy);
  if (truth !== undefined && truth.primarySite !== site.identity.site && truth.epoch >= epoch) return;
  const message = `policy ${policy.policy} does not say at ${site.identity.site} that another site is primary since epoch ${epoch}`;
  throw new Failure('precondition', 'NOT_SUPERSEDED', message);
}
