import { findDirectoryId, isErrno, takeMirrorSnapshot, withImage } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage, formatPlace, type Place } from '#lib/handle';
import type { Scope } from '#lib/scope';
import { imageMissing } from '../look.ts';
import { PlaceLock } from '../place-lock.ts';
import type { Site } from '../site.ts';
import { eachImage } from './batch.ts';
import { getMirrored, type MirrorPlace, openMirrorPlace } from './mirrored-image.ts';
import type { ImageOutcome, ImagesSpec } from './specs.ts';

/** The lock of a place that whoever takes mirror snapshots there holds. */
const TURN = 'mirror-snapshots';

/**
 * Looks only at what fails: it is asked for every volume at every interval. One at a time in a place: two operators that took snapshots of one image
 * at once have crashed librbd.
 */
export async function takeMirrorSnapshots(
  site: Site,
  { place, images }: ImagesSpec,
  scope: Scope,
): Promise<readonly ImageOutcome[]> {
  const at = await openMirrorPlace(site, place);
  await using turn = await PlaceLock.tryTake(at.io, TURN, scope.log);
  if (turn === undefined) return images.map((image) => ({ image, failure: plain(othersTurn(place)) }));
  return await eachImage({ place, images, doing: 'taking a mirror snapshot of' }, scope, async (name) => {
    if (turn.isLost) throw othersTurn(place);
    const id = await findDirectoryId(at.io, name);
    if (id === undefined) throw imageMissing(site, { ...place, image: name });
    try {
      await withImage(at.io, id, takeMirrorSnapshot);
    } catch (error) {
      if (!isErrno(error, 'EINVAL', 'EROFS')) throw error;
      throw (await whyNot(at, name)) ?? error;
    }
  });
}

/** As it crosses the process boundary. */
function plain({ kind, reason, message }: Failure): ImageOutcome['failure'] {
  return { kind, reason, message };
}

function othersTurn(place: Place): Failure {
  return new Failure('busy', 'SNAPSHOTS_UNDER_WAY', `somebody else is taking mirror snapshots in ${formatPlace(place)}`);
}

async function whyNot(at: MirrorPlace, image: string): Promise<Failure | undefined> {
  const name = formatImage({ ...at.place, image });
  const { mode, seen } = await getMirrored(at, image);
  if (mode === 'journal') return new Failure('conflict', 'MIRROR_MODE_DIFFERS', `${name} is mirrored by its journal`);
  if (seen.standing.role !== 'primary') {
    return new Failure('precondition', 'NOT_PRIMARY', `${name} is not primary at site ${at.site.identity.site}`);
  }
  return at.hasReceiver ? undefined : noReceiver(at, image);
}

/** Enabled now it would never be copied: its first mirror snapshot would be for nobody. */
export function noReceiver(at: MirrorPlace, image: string): Failure {
  const name = formatImage({ ...at.place, image });
  return new Failure(
    'precondition',
    'MIRROR_PEER_MISSING',
    `no peer fetches from pool ${at.place.pool}, so ${name} would not be copied`,
  );
}
