import { askForResync, withImage } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import type { Scope } from '#lib/scope';
import type { Site } from '../site.ts';
import { eachImage } from './batch.ts';
import { mirrorFacts } from './mirror-facts.ts';
import { getMirrored, openMirrorPlace } from './mirrored-image.ts';
import type { ImageOutcome, ImagesSpec } from './specs.ts';

/**
 * Where no policy's truth says who has won: the mirror daemon here, which sees both sides, must itself say that the copy has diverged. The caller
 * saw that the peer is primary.
 */
export async function resyncDiverged(site: Site, { place, images }: ImagesSpec, scope: Scope): Promise<readonly ImageOutcome[]> {
  const at = await openMirrorPlace(site, place);
  const facts = await mirrorFacts(site, { place, exact: 'none' });
  const diverged = new Set(
    facts.images
      .filter(({ statuses }) =>
        statuses.some(({ mirrorUuid, up, description }) => mirrorUuid === '' && up && description.startsWith('split-brain')),
      )
      .map(({ image }) => image),
  );
  return await eachImage({ place, images, doing: 'copying anew' }, scope, async (name) => {
    const { id, seen } = await getMirrored(at, name);
    if (seen.resyncAsked) return;
    const image = formatImage({ ...place, image: name });
    if (seen.standing.role === 'primary') {
      throw new Failure('precondition', 'IMAGE_IS_PRIMARY', `${image} is primary here; demote it first`);
    }
    if (!diverged.has(name)) throw new Failure('busy', 'NOT_DIVERGED', `no mirror daemon here says that ${image} has diverged`);
    await withImage(at.io, id, askForResync);
  });
}
