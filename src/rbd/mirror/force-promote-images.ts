import { type Image, markIncomplete, promoteImage, withImage } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { isTorn, type MirrorSnapshot } from '#mirror';
import type { EngineScope } from '../engine-scope.ts';
import type { Site } from '../site.ts';
import { eachImage } from './batch.ts';
import { finishPromote } from './finish-move.ts';
import {
  daemonsAmong,
  getMirrored,
  type MirroredImage,
  type MirrorPlace,
  openMirrorPlace,
  refuseOthers,
} from './mirrored-image.ts';
import { tornCopy } from './promote-images.ts';
import type { ForcePromoteSpec, ImageOutcome } from './specs.ts';
import { mirrorTruth } from './truth.ts';

/** While librbd is at it nothing else shows that it moves. */
const ALIVE_MS = 5000;

/**
 * Drops what the peer wrote since the newest copy. It must never be broken off while a copy is incomplete: repeated, it
 * would keep a mixture. So whatever it could wait for without end is looked at before it begins.
 */
export async function forcePromoteImages(site: Site, spec: ForcePromoteSpec, scope: EngineScope): Promise<readonly ImageOutcome[]> {
  const { place, images } = spec;
  await checkIntent(site, spec);
  const at = await openMirrorPlace(site, place);
  const alive = setInterval(() => scope.progress(), ALIVE_MS);
  try {
    return await eachImage({ place, images, doing: 'promoting by force' }, scope, async (name) => {
      const found = await getMirrored(at, name);
      if (found.seen.standing.role === 'primary') return await finishPromote(at, found);
      checkCopy(found, at);
      if (isTorn(found.seen.snapshots)) await clearTorn(at, found);
      await withImage(at.io, found.id, async (image) => {
        await checkAlone(at, found, image);
        await promoteImage(image, true);
      });
    });
  } finally {
    clearInterval(alive);
  }
}

/** Nothing is forced that the site's own truth does not say (I3): the acceptance of a loss is in there, for one epoch. */
async function checkIntent(site: Site, { policy, epoch }: ForcePromoteSpec): Promise<void> {
  const intent = (await mirrorTruth(site, policy)).truth?.intent;
  if (intent?.kind === 'forced' && intent.epoch === epoch && intent.to === site.identity.site) return;
  const message = `policy ${policy.policy} holds no intent to force its volumes to ${site.identity.site} for epoch ${epoch}`;
  throw new Failure('precondition', 'FORCE_NOT_INTENDED', message);
}

/** I4. A demoted image has all of it. */
function checkCopy({ image, mode, seen: { standing, snapshots } }: MirroredImage, at: MirrorPlace): void {
  if (mode === 'journal' || standing.role === 'demoted') return;
  if (snapshots.some((one) => one.state.startsWith('non-primary') && one.complete && !isOrphan(one))) return;
  const message = `${formatImage({ ...at.place, image })} was never copied whole: there is nothing to promote`;
  throw new Failure('precondition', 'COPY_INCOMPLETE', message);
}

/** A mirror daemon would be waited for without end; in journal mode it is not. */
async function checkAlone(at: MirrorPlace, { image: name, mode }: MirroredImage, image: Image): Promise<void> {
  await refuseOthers(at, image, name);
  const [daemon] = mode === 'snapshot' ? await daemonsAmong(at, await image.watchers()) : [];
  if (daemon === undefined) return;
  const message = `the mirror daemon ${daemon.address} has ${formatImage({ ...at.place, image: name })} open, and would be waited for`;
  throw new Failure('busy', 'REPLAYER_ATTACHED', message);
}

/**
 * A forced promote that was killed left a snapshot of its own above the incomplete copy, and the next one would take that
 * for the newest whole state. It is not: said so, it is passed over, and the copy rolled back as it should have been.
 */
async function clearTorn(at: MirrorPlace, found: MirroredImage): Promise<void> {
  const { snapshots } = found.seen;
  const stray = snapshots.slice(
    0,
    snapshots.findIndex(({ state, complete }) => state.startsWith('non-primary') && !complete),
  );
  if (stray.some((snapshot) => !isOrphan(snapshot))) throw tornCopy(formatImage({ ...at.place, image: found.image }));
  await withImage(at.io, found.id, async (image) => await checkAlone(at, found, image));
  for (const { id } of stray) await markIncomplete(at.io, found.id, BigInt(id));
}

/** A non-primary snapshot that is the copy of none: librbd takes it on the way to a forced promote. */
function isOrphan({ state, primaryMirrorUuid }: MirrorSnapshot): boolean {
  return state === 'non-primary' && primaryMirrorUuid === '';
}
