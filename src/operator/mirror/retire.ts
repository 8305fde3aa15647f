/** The end of a policy whose deletionPolicy is Disable: mirroring ends where the volumes are primary, and with it the copies. */
import { Failure } from '#lib/failure';
import type { Log } from '#lib/scope';
import { type Outcome, settled, waiting } from '../runtime/index.ts';
import { newestTruth, type Observation, volumesOf } from './observation.ts';
import type { Sites } from './sites.ts';
import { byPlace, firstOf } from './volumes.ts';
import type { Want } from './want.ts';

const END_MS = 20_000;

/** Both sites answer, and nothing is under way. Settled when nothing of the policy is mirrored any more. */
export async function endMirroring(
  sites: Sites,
  { want, seen, log }: { want: Want; seen: Observation; log: Log },
): Promise<Outcome> {
  const truth = newestTruth(seen);
  if (truth === undefined) return settled();
  const scope = { deadline: Date.now() + END_MS, log };
  const engine = sites.engineAt(want.cluster, truth.primarySite);
  const volumes = volumesOf(seen).filter(({ at }) => at[truth.primarySite] !== undefined);
  // Where both wrote each side has what nobody else has, and ending the mirroring of one deletes the other.
  const diverged = volumes.find(({ comparison }) => comparison.state === 'split-brain');
  if (diverged !== undefined) {
    const message = `${firstOf(diverged)} was written at both sites: copy it anew (onReturn: Resync) or by hand before its mirroring ends`;
    throw new Failure('precondition', 'COPY_DIVERGED', message);
  }
  for (const { place, images } of byPlace(volumes)) {
    const outcomes = await engine.disableMirroring({ place, images, how: 'with-copy' }, scope);
    const failed = outcomes.find(({ failure }) => failure !== undefined)?.failure;
    if (failed !== undefined) throw new Failure(failed.kind, failed.reason, failed.message);
  }
  if (volumes.length > 0) return waiting(1);
  for (const site of want.sites) {
    await sites.engineAt(want.cluster, site).dropMirrorTruth({ policy: want.policy, home: want.home }, scope);
  }
  return settled();
}
