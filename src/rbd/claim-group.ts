import type { IoContext } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage, formatPlace, parseImage } from '#lib/handle';
import { formatGroup, groupClaim, type SeenGroup } from './group-snapshot.ts';
import { type Claim, claimName, dropName, findClaim, newClaim, takeOver } from './name-index.ts';
import type { Site } from './site.ts';
import type { GroupRef, GroupSnapshotSpec, Place } from './specs.ts';

/**
 * Makes the name ours in every place of the volumes (G6), and this call the one that works on it. Throws `busy` while
 * another one may be at it. A call that fails takes no name.
 */
export async function claimGroup(site: Site, want: GroupSnapshotSpec, seen: SeenGroup | undefined): Promise<Claim> {
  const ours = newClaim(sourceNames(want), site.identity.instance);
  const taken: Taken[] = [];
  try {
    for (const place of groupPlaces(want, ours.sources)) taken.push(await claimIn(site, want, { place, ours }));
    const [home] = taken;
    if (seen !== undefined && home?.from === undefined) throw foreign(want);
  } catch (error) {
    if (error instanceof Failure) for (const name of taken.toReversed()) await giveBack(want, name, ours);
    throw error;
  }
  return ours;
}

interface Taken {
  readonly io: IoContext;
  /** What held the name before: an earlier call for the same. */
  readonly from: Claim | undefined;
}

async function claimIn(site: Site, want: GroupSnapshotSpec, { place, ours }: { place: Place; ours: Claim }): Promise<Taken> {
  const io = await site.openToMake(place);
  const key = groupClaim(want.group);
  const held = await claimName(io, key, ours);
  if (held === 'ours') return { io, from: undefined };
  compareClaim(site, want, held);
  if (site.mayBeUnderWay(held.since)) throw groupContended(want);
  await takeOver(io, key, { from: held, to: ours });
  return { io, from: held };
}

async function giveBack(want: GroupSnapshotSpec, { io, from }: Taken, ours: Claim): Promise<void> {
  const key = groupClaim(want.group);
  if (from === undefined) await dropName(io, key);
  else await takeOver(io, key, { from: ours, to: from });
}

/** Nobody works on it any more: the next call need not wait for this one to be too old to live. */
export async function leaveClaim(site: Site, want: GroupSnapshotSpec, held: Claim): Promise<void> {
  for (const place of groupPlaces(want, held.sources)) {
    await takeOver(await site.open(place), groupClaim(want.group), { from: held, to: { ...held, since: 0 } });
  }
}

/** Frees the name in every place, its own last: that one tells of the others. */
export async function dropClaims(site: Site, ref: GroupRef, sources: readonly string[]): Promise<void> {
  for (const place of groupPlaces(ref, sources).toReversed()) {
    const io = await site.open(place);
    const claim = await findClaim(io, groupClaim(ref.group));
    // Where the index was lost, the name may be another group's by now.
    if (claim?.sources.join() === sources.join()) await dropName(io, groupClaim(ref.group));
  }
}

/** The group's own place, and behind it those of its volumes. */
function groupPlaces({ pool, namespace }: Place, sources: readonly string[]): Place[] {
  const all = [{ pool, namespace }, ...sources.map(parseImage)];
  return [...new Map(all.map((place) => [formatPlace(place), place])).values()];
}

function compareClaim(site: Site, want: GroupSnapshotSpec, held: Claim): void {
  if (held.instance !== site.identity.instance) throw groupDiffers(want, `instance: ${held.instance}`);
  if (held.sources.join() !== sourceNames(want).join()) throw groupDiffers(want, `set of volumes: ${held.sources.join(', ')}`);
}

export function sourceNames(want: GroupSnapshotSpec): string[] {
  return want.sources.map(formatImage).toSorted();
}

export function groupDiffers(want: GroupSnapshotSpec, what: string): Failure {
  return new Failure('conflict', 'GROUP_DIFFERS', `the group snapshot ${formatGroup(want)} exists with another ${what}`);
}

function foreign(want: GroupSnapshotSpec): Failure {
  return new Failure('conflict', 'GROUP_NOT_OURS', `the group ${formatGroup(want)} is there and was not made by Loligo`);
}

export function groupContended(want: GroupSnapshotSpec): Failure {
  return new Failure(
    'busy',
    'GROUP_BEING_TAKEN',
    `the group snapshot ${formatGroup(want)} is being taken, or was cut off a moment ago`,
  );
}
