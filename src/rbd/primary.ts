import type { ImageHeader } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage, type ImageRef } from '#lib/handle';
import { NON_PRIMARY } from './features.ts';
import type { Site } from './site.ts';

/** Throws `precondition` for an image that is another site's copy: it takes no writes here. */
export function checkPrimary(site: Site, ref: ImageRef, header: Pick<ImageHeader, 'features'>): void {
  if ((header.features & NON_PRIMARY) === 0n) return;
  throw new Failure('precondition', 'NOT_PRIMARY', `${formatImage(ref)} is not primary at site ${site.identity.site}`);
}
