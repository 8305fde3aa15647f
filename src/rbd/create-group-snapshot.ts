/**
 * Takes snapshots of several volumes at one moment, or finishes what an earlier call began. The invariants and the
 * order of writes are in group-snapshot.ts.
 */
import { createGroup, isErrno, takeGroupSnapshot } from '#ceph';
import { Failure } from '#lib/failure';
import { checkpoint, type Scope } from '#lib/scope';
import { claimGroup, groupContended, groupDiffers, leaveClaim, sourceNames } from './claim-group.ts';
import { dropGroupSnapshot } from './delete-group-snapshot.ts';
import { checkNotFlattening } from './flattening.ts';
import { gatherVolumes } from './gather-group.ts';
import { checkMembersOurs, readMembers, toGroupSnapshot } from './group-members.ts';
import { dropTaken, findGroup, formatGroup, nameOfVolume, releaseImages, type SeenGroup } from './group-snapshot.ts';
import { findVolume, getVolumeImage, type SeenVolume } from './look.ts';
import type { Claim } from './name-index.ts';
import { checkRoom } from './room.ts';
import type { Site } from './site.ts';
import { lookAside, ofEarlierVolume, readSnapshotRecord, type SeenSnapshot, snapshotKey } from './snapshot-record.ts';
import { checkSnapshotRoom } from './snapshot-room.ts';
import type { GroupSnapshot, GroupSnapshotSpec, SnapshotRef } from './specs.ts';
import { DELETION, isBeingDeleted } from './trashed.ts';

export async function createGroupSnapshot(site: Site, want: GroupSnapshotSpec, scope: Scope): Promise<GroupSnapshot> {
  const io = await site.openToMake(want);
  const seen = await findGroup(io, want.group);
  if (seen?.snapshot?.complete) {
    const members = await readMembers(site, want, seen);
    await checkNotOfEarlier(site, want, members);
    return await settle(site, { want, group: seen, members });
  }

  const keys = [snapshotKey(want.group), DELETION];
  const volumes = await Promise.all(want.sources.map((source) => getVolumeImage(site, source, keys)));
  if (volumes.some(({ header }) => isBeingDeleted(site, header))) throw vanished(want);
  await checkTogether(site, want, volumes);
  await checkRoom(io);
  const held = await claimGroup(site, want, seen);
  try {
    if (seen !== undefined) await dropTaken(seen, want.group, volumes);
    checkpoint(scope);
    const group = seen ?? (await makeGroup(site, want));
    await gatherVolumes(site, want, { group, volumes });
    checkpoint(scope);
    await takeGroupSnapshot(io, want.group, want.group);
  } catch (error) {
    await standBack(site, want, { error, held });
    throw error;
  }
  const taken = await findGroup(io, want.group);
  if (!taken?.snapshot?.complete) throw groupContended(want);
  const members = await readMembers(site, want, taken);
  // Nobody was told of it yet (trashed.ts, T2).
  if (members.length < taken.snapshot.members.length) {
    await dropGroupSnapshot(site, want);
    throw vanished(want);
  }
  return await settle(site, { want, group: taken, members });
}

/**
 * After a failure that is known: nothing is going on any more, so the volumes leave the group and the next call need
 * not wait for this one to be too old to live. Before a final answer all goes, for nobody will ask again.
 */
async function standBack(
  site: Site,
  want: GroupSnapshotSpec,
  { error, held }: { readonly error: unknown; readonly held: Claim },
): Promise<void> {
  if (isErrno(error, 'ETIMEDOUT')) return;
  if (isErrno(error, 'EDQUOT', 'ENOSPC') || (error instanceof Failure && !isOpen(error))) {
    return await dropGroupSnapshot(site, want);
  }
  const io = await site.open(want);
  const group = await findGroup(io, want.group);
  if (group !== undefined) await releaseImages(site, group, want.group);
  await leaveClaim(site, want, held);
}

function isOpen({ kind }: Failure): boolean {
  return kind === 'busy' || kind === 'unfinished' || kind === 'unreachable';
}

interface Taken {
  readonly want: GroupSnapshotSpec;
  readonly group: SeenGroup;
  readonly members: readonly SeenSnapshot[];
}

/** It is taken: the volumes leave the group, and it is compared with what is wanted. */
async function settle(site: Site, { want, group, members }: Taken): Promise<GroupSnapshot> {
  checkMembersOurs(site, want, members);
  if (members.some(({ volume }) => isBeingDeleted(site, volume.header))) throw vanished(want);
  const names = members.map(({ volume }) => nameOfVolume(volume)).toSorted();
  const [first] = members;
  if (first?.record?.request !== want.name) throw groupDiffers(want, `name: ${first?.record?.request ?? 'none'}`);
  if (names.join() !== sourceNames(want).join()) throw groupDiffers(want, `set of volumes: ${names.join(', ')}`);
  await releaseImages(site, group, want.group);
  return await toGroupSnapshot(site, want, members);
}

/** Throws `conflict` when a part is an earlier volume's, which was deleted, while another one has its name. */
async function checkNotOfEarlier(site: Site, want: GroupSnapshotSpec, members: readonly SeenSnapshot[]): Promise<void> {
  for (const { volume } of members) {
    const ref = partOf(want, volume);
    if (volume.image !== ref.image && (await findVolume(site, ref)) !== undefined) throw ofEarlierVolume(ref);
  }
}

/** The snapshot of the volume that is wanted of it. */
function partOf(want: GroupSnapshotSpec, { io, record }: SeenVolume): SnapshotRef {
  return { pool: io.pool, namespace: io.namespace, image: record.name, snapshot: want.group };
}

/** Throws for volumes of which no common snapshot can be taken. */
async function checkTogether(site: Site, want: GroupSnapshotSpec, volumes: readonly SeenVolume[]): Promise<void> {
  for (const volume of volumes) {
    await checkNotFlattening(volume);
    await checkSnapshotRoom(volume);
    const name = nameOfVolume(volume);
    if (volume.io.namespace !== want.namespace) {
      throw new Failure(
        'precondition',
        'VOLUMES_APART',
        `${name} is in another RADOS namespace than the group ${formatGroup(want)}`,
      );
    }
    const record = readSnapshotRecord(volume.header.metadata, want.group);
    if (record !== undefined && record.groupSnapshot !== formatGroup(want)) {
      throw new Failure('conflict', 'SNAPSHOT_DIFFERS', `${name} has another snapshot ${want.group}`);
    }
    const part = partOf(want, volume);
    if ((await lookAside(site, part))?.info !== undefined) throw ofEarlierVolume(part);
  }
}

async function makeGroup(site: Site, want: GroupSnapshotSpec): Promise<SeenGroup> {
  const io = await site.openToMake(want);
  try {
    await createGroup(io, want.group);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
  const made = await findGroup(io, want.group);
  if (made === undefined) throw groupContended(want);
  return made;
}

function vanished(want: GroupSnapshotSpec): Failure {
  return new Failure(
    'busy',
    'IMAGE_VANISHED',
    `a volume of the group snapshot ${formatGroup(want)} is being deleted, or was just now`,
  );
}
