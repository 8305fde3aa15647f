import { dropNonPrimaryFlag } from '#ceph';
import { NON_PRIMARY } from '../features.ts';
import type { MirroredImage, MirrorPlace } from './mirrored-image.ts';
import { isHalfMoved } from './standing.ts';

/** Makes an image that is primary writable, where its promote (or a demote) was killed half-way. Nothing to do for any other. */
export async function finishPromote(at: MirrorPlace, { id, seen }: MirroredImage): Promise<void> {
  if (isHalfMoved(seen)) await dropNonPrimaryFlag(at.io, id, NON_PRIMARY);
}
