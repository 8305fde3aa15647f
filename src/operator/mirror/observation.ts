/** What a pass sees: both sites, each on its own, and what is wanted of them. Plain data, so that plans can be tested. */
import type { Failure } from '#lib/failure';
import { formatPlace, type Place } from '#lib/handle';
import { type Comparison, compareImage, type ImageFacts, type MirrorPoint, type PoolFacts, pairImages, type Truth } from '#mirror';

export interface SiteSeen {
  readonly site: string;
  /** Why there is nothing to see; undefined for a site that answered. */
  readonly failure: Failure | undefined;
  /** Milliseconds since the epoch at which it last answered; undefined for never. */
  readonly answeredAt: number | undefined;
  /** Looks in a row that it did not answer, and since when. */
  readonly silent: { readonly looks: number; readonly since: number } | undefined;
  readonly truth: Truth | undefined;
  /** By `formatPlace`. */
  readonly pools: ReadonlyMap<string, PoolFacts>;
}

export interface Observation {
  readonly policy: string;
  /** The first site of the policy that is ours; the other one. */
  readonly here: SiteSeen;
  readonly there: SiteSeen;
  readonly places: readonly Place[];
  /** Images that are selected, by `formatPlace` of where they are. */
  readonly wanted: ReadonlyMap<string, ReadonlySet<string>>;
  /** By place and image: when primary snapshots were taken, for the day when nobody can be asked. */
  readonly remembered: ReadonlyMap<string, readonly MirrorPoint[]>;
  readonly now: number;
}

/** One image as both sites see it; `at` by the names of the sites. */
export interface VolumeSeen {
  readonly place: Place;
  readonly image: string;
  /** Selected by the policy. */
  readonly wanted: boolean;
  readonly at: Readonly<Record<string, ImageFacts | undefined>>;
  readonly comparison: Comparison;
}

/**
 * The policy's images in the order of their names: those that carry its mark at either site, and those that it selects and
 * no other policy has. What others mirror in the same pools is none of its business.
 */
export function volumesOf(seen: Observation): readonly VolumeSeen[] {
  return seen.places.flatMap((place) => volumesIn(seen, place)).filter((volume) => isOurs(volume, seen.policy));
}

function isOurs(volume: VolumeSeen, policy: string): boolean {
  const mark = markOf(volume);
  return mark === policy || (mark === '' && volume.wanted);
}

/** The policy that an image is marked with, '' for none. The mark travels with the image, so either site may know it first. */
export function markOf({ at }: Pick<VolumeSeen, 'at'>): string {
  return Object.values(at).find((image) => (image?.detail?.policy ?? '') !== '')?.detail?.policy ?? '';
}

function volumesIn({ here, there, wanted, remembered, now }: Observation, place: Place): readonly VolumeSeen[] {
  const key = formatPlace(place);
  const [mine, theirs] = [here.pools.get(key), there.pools.get(key)];
  const pairs = pairImages(mine, theirs);
  const wantedHere = wanted.get(key) ?? new Set<string>();
  const missing = [...wantedHere].filter((image) => !pairs.has(image));
  const all = [...pairs, ...missing.map((image) => [image, { here: side(mine), there: side(theirs) }] as const)];
  return all
    .map(([image, pair]): VolumeSeen => {
      const points = remembered.get(`${key}/${image}`) ?? [];
      return {
        place,
        image,
        wanted: wantedHere.has(image),
        at: { [here.site]: pair.here.image, [there.site]: pair.there.image },
        comparison: compareImage({ ...pair, remembered: points, now }),
      };
    })
    .toSorted((a, b) => (a.image < b.image ? -1 : 1));
}

function side(pool: PoolFacts | undefined): { pool: PoolFacts | undefined; image: undefined } {
  return { pool, image: undefined };
}

export function siteOf(seen: Observation, name: string): SiteSeen {
  return seen.here.site === name ? seen.here : seen.there;
}

export function otherSite(seen: Observation, name: string): SiteSeen {
  return seen.here.site === name ? seen.there : seen.here;
}

export function isReachable({ failure }: SiteSeen): boolean {
  return failure === undefined;
}

/** The newest that is known of who is primary: the highest epoch of the sites that answer. */
export function newestTruth({ here, there }: Observation): Truth | undefined {
  const truths = [here, there].flatMap(({ truth }) => (truth === undefined ? [] : [truth]));
  return truths.toSorted((a, b) => b.epoch - a.epoch || (b.intent?.epoch ?? 0) - (a.intent?.epoch ?? 0))[0];
}

/** Which role an image has at a site, as far as it was seen; `half` is a primary one that takes no writes (`halfMoved`). */
export function roleAt({ at }: VolumeSeen, site: string): 'primary' | 'half' | 'secondary' | 'demoted' | undefined {
  const detail = at[site]?.detail;
  return detail?.halfMoved === true ? 'half' : detail?.standing.role;
}
