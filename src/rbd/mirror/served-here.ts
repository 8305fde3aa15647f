/**
 * Whether a volume is this site's to serve. What is not mirrored costs nothing to find out: the mark and the features come
 * with the header.
 */
import { findJournal } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import type { Truth } from '#mirror';
import { JOURNALING, NON_PRIMARY } from '../features.ts';
import type { SeenVolume } from '../look.ts';
import type { Site } from '../site.ts';
import { readMark } from './mark.ts';
import { mirrorTruth } from './truth.ts';

/**
 * Throws `precondition` NOT_PRIMARY for another site's copy, PRIMARY_SUPERSEDED for an image that is primary here where the
 * site's truth knows of a later primary, and `busy` VOLUME_MOVING while a move is under way (I9). One round trip more for a
 * volume that is mirrored, one for one with a journal.
 */
export async function checkServedHere(site: Site, volume: SeenVolume): Promise<void> {
  const [copy, truth] = await Promise.all([isCopy(volume), truthOf(site, volume)]);
  const name = formatImage({ ...placeOf(volume), image: volume.image });
  if (copy)
    throw new Failure('precondition', 'NOT_PRIMARY', `${name} is not primary at site ${site.identity.site}${elsewhere(truth)}`);
  if (truth === undefined) return;
  if (isSuperseded(site, truth)) {
    throw new Failure(
      'precondition',
      'PRIMARY_SUPERSEDED',
      `${name} was primary at site ${site.identity.site} once${elsewhere(truth)}`,
    );
  }
  if (truth.intent !== undefined) throw moving(name, truth.intent.to);
}

/**
 * Whether deleting the volume here is nothing to the image (I10): a copy, or what another site has been primary of since. Throws
 * `busy` while a move is under way.
 */
export async function isOthersImage(site: Site, volume: SeenVolume): Promise<boolean> {
  const [copy, truth] = await Promise.all([isCopy(volume), truthOf(site, volume)]);
  if (copy || (truth !== undefined && isSuperseded(site, truth))) return true;
  if (truth?.intent !== undefined) throw moving(formatImage({ ...placeOf(volume), image: volume.image }), truth.intent.to);
  return false;
}

function moving(name: string, to: string): Failure {
  return new Failure('busy', 'VOLUME_MOVING', `${name} is being moved to site ${to}`);
}

function placeOf({ io }: SeenVolume): { readonly pool: string; readonly namespace: string } {
  return { pool: io.pool, namespace: io.namespace };
}

/** A demoted image too: it takes no writes. */
async function isCopy({ io, header }: SeenVolume): Promise<boolean> {
  if ((header.features & NON_PRIMARY) !== 0n) return true;
  if ((header.features & JOURNALING) === 0n) return false;
  const owner = (await findJournal(io, header.id))?.tags[0]?.owner;
  return owner !== undefined && owner !== '';
}

async function truthOf(site: Site, volume: SeenVolume): Promise<Truth | undefined> {
  const mark = readMark(volume.header.metadata, volume.image);
  return mark && (await mirrorTruth(site, mark)).truth;
}

function isSuperseded(site: Site, { primarySite, epoch, peer }: Truth): boolean {
  return primarySite !== site.identity.site || (peer !== undefined && peer.epoch > epoch);
}

function elsewhere(truth: Truth | undefined): string {
  if (truth === undefined) return '';
  const later = truth.peer !== undefined && truth.peer.epoch > truth.epoch ? truth.peer : truth;
  return `: it is at site ${later.primarySite} since epoch ${later.epoch}`;
}
