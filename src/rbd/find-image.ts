import { isErrno } from '#ceph';
import { Failure } from '#lib/failure';
import { formatPlace } from '#lib/handle';
import type { Scope } from '#lib/scope';
import { seeImage } from './look.ts';
import type { Site } from './site.ts';
import type { ImageRef } from './specs.ts';

/**
 * The first of these that is there, whole or half-made. A place that is not ours, or that we may not read, holds nothing
 * that we made. One that does not answer is passed over: no pool is to keep volumes out of the others.
 */
export async function findImage(
  site: Site,
  { among }: { readonly among: readonly ImageRef[] },
  scope: Scope,
): Promise<ImageRef | undefined> {
  const there = await Promise.all(among.map((ref) => isThere(site, ref, scope)));
  return among.find((_, index) => there[index]);
}

async function isThere(site: Site, ref: ImageRef, { log }: Scope): Promise<boolean> {
  try {
    return (await seeImage(await site.open(ref), ref.image)).is !== 'absent';
  } catch (error) {
    if (error instanceof Failure && error.kind === 'precondition') return false;
    if (isErrno(error, 'EPERM', 'EACCES')) return false;
    if (!isErrno(error, 'ETIMEDOUT')) throw error;
    log.warn({ place: formatPlace(ref), image: ref.image }, 'a pool did not say in time whether the image is there');
    return false;
  }
}
