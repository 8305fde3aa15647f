/** What tests of mirroring do again and again, through the engine at both sites. */
import assert from 'node:assert/strict';
import type { ImageOutcome, PolicyRef } from '#rbd';
import { type Comparison, compareImage, type MirrorMode, type PoolFacts, pairImages } from '../../../src/mirror/index.ts';
import { aVolume, MiB } from '../volume-specs.ts';
import { eventually, type MirrorPool, type MirrorSide } from './mirror-bed.ts';

export function policyOf(pool: MirrorPool): PolicyRef {
  return { policy: 'gold', home: pool.place };
}

/** Makes the two pools peers, as the operator does. */
export async function peer(pool: MirrorPool, direction: 'rx' | 'rx-tx' = 'rx-tx'): Promise<void> {
  const { place } = pool;
  for (const side of [pool.east, pool.west]) {
    await side.engine.ensureMirrorPool({ place, siteName: side.name, deleteDelay: 3600 });
  }
  await fetch(pool.west, pool.east, { direction });
  if (direction === 'rx-tx') await fetch(pool.east, pool.west, { direction });
}

/** Lets a site's daemon fetch from the other one; says what had to be changed. */
export async function fetch(
  to: MirrorSide,
  from: MirrorSide,
  { direction, user = 'loligo-mirror' }: { readonly direction: 'rx' | 'rx-tx'; readonly user?: string },
): Promise<readonly string[]> {
  const place = { pool: to.pool.name, namespace: '' };
  const { fsid, siteName, monitors } = await from.engine.mirrorSite({});
  const peerUser = await from.engine.ensurePeerUser({ user: `${user}-${place.pool}`, pools: [place.pool] });
  return (await to.engine.ensurePeer({ place, siteName, direction, fsid, monitors, ...peerUser })).changed;
}

/** Small volumes at a site, mirrored. */
export async function mirrored(pool: MirrorPool, mode: MirrorMode, images: readonly string[]): Promise<void> {
  for (const image of images) await pool.east.engine.createVolume(aVolume(pool, { image, size: 32n * MiB }));
  const spec = { place: pool.place, images, mode, parents: 'refuse', policy: policyOf(pool) } as const;
  allDone(await pool.east.engine.enableMirroring(spec));
}

export function allDone(outcomes: readonly ImageOutcome[]): void {
  assert.deepEqual(
    outcomes.filter(({ failure }) => failure !== undefined),
    [],
  );
}

/** The one failure of a batch of one. */
export function failureOf([outcome, ...rest]: readonly ImageOutcome[]): string {
  assert.deepEqual(rest, []);
  return outcome?.failure?.reason ?? 'none';
}

export async function factsAt(side: MirrorSide): Promise<PoolFacts> {
  return await side.engine.mirrorFacts({ place: side.pool.place, exact: 'all' });
}

/** East is `here`, west is `there`. */
export async function compareSites(pool: MirrorPool): Promise<Map<string, Comparison>> {
  const [here, there] = await Promise.all([factsAt(pool.east), factsAt(pool.west)]);
  const pairs = pairImages(here, there);
  return new Map([...pairs].map(([name, pair]) => [name, compareImage({ ...pair, remembered: [], now: Date.now() })]));
}

/** Waits until every image is as said. */
export async function until(
  pool: MirrorPool,
  seconds: number,
  right: (image: Comparison) => boolean,
): Promise<Map<string, Comparison>> {
  return await eventually(
    seconds,
    () => compareSites(pool),
    (images) => images.size > 0 && [...images.values()].every(right),
  );
}

/** West is to become primary by force, and somebody accepted that. */
export async function intend(pool: MirrorPool): Promise<void> {
  const intent = { kind: 'forced', to: 'west', epoch: 2, since: 1, acceptedLoss: 3600 } as const;
  const to = { epoch: 1, primarySite: 'east', specHash: '', intent, peer: undefined, updatedBy: 'test', updatedAt: 0 };
  await pool.west.engine.changeMirrorTruth({ ...policyOf(pool), revision: '', to });
}

/** A planned move as the operator makes it: demote, wait for the marks, promote. */
export async function move(pool: MirrorPool, from: MirrorSide, to: MirrorSide): Promise<void> {
  const images = (await factsAt(from)).images.map(({ image }) => image);
  allDone(await from.engine.demoteImages({ place: pool.place, images }));
  await promoteWhenSafe(pool, to);
}

export async function promoteWhenSafe(pool: MirrorPool, to: MirrorSide): Promise<void> {
  const verdict = (image: Comparison): Comparison['promote']['here'] =>
    to === pool.east ? image.promote.here : image.promote.there;
  const ready = await until(pool, 90, (image) => verdict(image).safe);
  const named = [...ready].map(([image, said]) => {
    const safe = verdict(said);
    return { image, demotion: safe.safe ? safe.demotion : '' };
  });
  await eventually(
    30,
    () => to.engine.promoteImages({ place: pool.place, images: named }),
    (outcomes) => outcomes.every(({ failure }) => failure === undefined),
  );
}

/**
 * Home again, whatever the other site did meanwhile, as the operator does it: what was demoted there before it was replayed here goes on
 * there once more first.
 */
export async function bringHome(pool: MirrorPool, from: MirrorSide, to: MirrorSide): Promise<void> {
  const verdictsOf = ({ promote: { here, there } }: Comparison) => (to === pool.east ? [here, there] : [there, here]);
  const known = await until(pool, 90, (image) => {
    const [mine, theirs] = verdictsOf(image);
    return mine?.safe === true || (mine?.why === 'NotReplayed' && theirs?.safe === true);
  });
  const stuck = [...known].filter(([, image]) => verdictsOf(image)[0]?.safe !== true).map(([image]) => image);
  if (stuck.length > 0) {
    const images = stuck.map((image) => {
      const theirs = known.get(image)?.promote[to === pool.east ? 'there' : 'here'];
      return { image, demotion: theirs?.safe === true ? theirs.demotion : '' };
    });
    allDone(await from.engine.promoteImages({ place: pool.place, images }));
    await until(pool, 90, ({ primary, settled }) => primary === 'nowhere' || settled);
    allDone(await from.engine.demoteImages({ place: pool.place, images: stuck }));
  }
  await promoteWhenSafe(pool, to);
}
