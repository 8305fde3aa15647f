import { dropSnapshotById, type Image, promoteImage, withImage } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { isTorn, type MirrorSnapshot } from '#mirror';
import type { EngineScope } from '../engine-scope.ts';
import type { Site } from '../site.ts';
import { eachImage } from './batch.ts';
import { finishPromote } from './finish-promote.ts';
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
      await withImage(at.io, found.id, async (image) => await force(at, found, image));
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
  if (snapshots.some(({ state, complete }) => state.startsWith('non-primary') && complete)) return;
  const message = `${formatImage({ ...at.place, image })} was never copied whole: there is nothing to promote`;
  throw new Failure('precondition', 'COPY_INCOMPLETE', message);
}

async function force(at: MirrorPlace, { image: name, mode, seen }: MirroredImage, image: Image): Promise<void> {
  await refuseOthers(at, image, name);
  if (mode === 'snapshot') {
    const [daemon] = await daemonsAmong(at, await image.watchers());
    if (daemon !== undefined) {
      const message = `the mirror daemon ${daemon.address} has ${formatImage({ ...at.place, image: name })} open, and would be waited for`;
      throw new Failure('busy', 'REPLAYER_ATTACHED', message);
    }
    if (isTorn(seen.snapshots)) await clearTorn(image, seen.snapshots, formatImage({ ...at.place, image: name }));
  }
  await promoteImage(image, true);
}

/** What a killed forced promote left above the incomplete copy makes the next one think that there is nothing to roll back. */
async function clearTorn(image: Image, snapshots: readonly MirrorSnapshot[], name: string): Promise<void> {
  const stray = snapshots.slice(
    0,
    snapshots.findIndex(({ state, complete }) => state.startsWith('non-primary') && !complete),
  );
  if (stray.some(({ state, primaryMirrorUuid }) => state !== 'non-primary' || primaryMirrorUuid !== '')) throw tornCopy(name);
  for (const { id } of stray) await dropSnapshotById(image, BigInt(id));
}
