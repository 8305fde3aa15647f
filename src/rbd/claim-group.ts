import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { formatGroup, groupClaim, type SeenGroup } from './group-snapshot.ts';
import { type Claim, claimName, dropName, newClaim, takeOver } from './name-index.ts';
import type { Site } from './site.ts';
import type { GroupSnapshotSpec } from './specs.ts';

/** Makes the name ours, and this call the one that works on it. Throws `busy` while another one may be at it. */
export async function claimGroup(site: Site, want: GroupSnapshotSpec, seen: SeenGroup | undefined): Promise<Claim> {
  const io = await site.openToMake(want);
  const key = groupClaim(want.group);
  const ours = newClaim(sourceNames(want), site.identity.instance);
  const held = await claimName(io, key, ours);
  if (held === 'ours') {
    if (seen === undefined) return ours;
    await dropName(io, key);
    throw foreign(want);
  }
  compareClaim(site, want, held);
  if (site.mayBeUnderWay(held.since)) throw groupContended(want);
  await takeOver(io, key, { from: held, to: ours });
  return ours;
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
