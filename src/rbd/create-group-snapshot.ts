/**
 * Takes snapshots of several volumes at one moment, or finishes what an earlier call began. The invariants and the
 * order of writes are in group-snapshot.ts.
 */
import { addToGroup, createGroup, findGroupOf, isErrno, takeGroupSnapshot } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { checkpoint, type Scope } from '#lib/scope';
import { openToChange } from './change-image.ts';
import { dropGroupSnapshot } from './delete-group-snapshot.ts';
import { freeFromStale } from './free-from-group.ts';
import { checkMembersOurs, readMembers, toGroupSnapshot } from './group-members.ts';
import { dropTaken, findGroup, formatGroup, groupClaim, nameOfVolume, releaseImages, type SeenGroup } from './group-snapshot.ts';
import { getVolumeImage, type SeenVolume } from './look.ts';
import { type Claim, claimName, dropName, newClaim, takeOver } from './name-index.ts';
import type { Site } from './site.ts';
import { newSnapshotRecord, readSnapshotRecord, snapshotKey, writeSnapshotRecord } from './snapshot-record.ts';
import { checkSnapshotRoom } from './snapshot-room.ts';
import type { GroupSnapshot, GroupSnapshotSpec } from './specs.ts';

export async function createGroupSnapshot(site: Site, want: GroupSnapshotSpec, scope: Scope): Promise<GroupSnapshot> {
  const io = await site.openToMake(want);
  const seen = await findGroup(io, want.group);
  if (seen?.snapshot?.complete) return await settle(site, want, seen);

  const volumes = await Promise.all(want.sources.map((source) => getVolumeImage(site, source, [snapshotKey(want.group)])));
  await checkTogether(want, volumes);
  const held = await claim(site, want, seen);
  try {
    if (seen !== undefined) await dropTaken(seen, want.group, volumes);
    checkpoint(scope);
    const group = seen ?? (await makeGroup(site, want));
    await gather(site, want, { group, volumes });
    checkpoint(scope);
    await takeGroupSnapshot(io, want.group, want.group);
  } catch (error) {
    await standBack(site, want, { error, held });
    throw error;
  }
  const taken = await findGroup(io, want.group);
  if (!taken?.snapshot?.complete) throw contended(want);
  return await settle(site, want, taken);
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
  await takeOver(io, groupClaim(want.group), { from: held, to: { ...held, since: 0 } });
}

function isOpen({ kind }: Failure): boolean {
  return kind === 'busy' || kind === 'unfinished' || kind === 'unreachable';
}

/** It is taken: the volumes leave the group, and it is compared with what is wanted. */
async function settle(site: Site, want: GroupSnapshotSpec, group: SeenGroup): Promise<GroupSnapshot> {
  const members = await readMembers(site, want, group);
  checkMembersOurs(site, want, members);
  const names = members.map(({ volume }) => nameOfVolume(volume)).toSorted();
  const [first] = members;
  if (first?.record?.request !== want.name) throw differs(want, `name: ${first?.record?.request ?? 'none'}`);
  if (names.join() !== sourceNames(want).join()) throw differs(want, `set of volumes: ${names.join(', ')}`);
  await releaseImages(site, group, want.group);
  return await toGroupSnapshot(site, want, members);
}

/** Throws for volumes of which no common snapshot can be taken. */
async function checkTogether(want: GroupSnapshotSpec, volumes: readonly SeenVolume[]): Promise<void> {
  for (const volume of volumes) {
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
  }
}

/** Makes the name ours, and this call the one that works on it. Throws `busy` while another one may be at it. */
async function claim(site: Site, want: GroupSnapshotSpec, seen: SeenGroup | undefined): Promise<Claim> {
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
  if (Date.now() - held.since < site.identity.creatorLife * 1000) throw contended(want);
  await takeOver(io, key, { from: held, to: ours });
  return ours;
}

function compareClaim(site: Site, want: GroupSnapshotSpec, held: Claim): void {
  if (held.instance !== site.identity.instance) throw differs(want, `instance: ${held.instance}`);
  if (held.sources.join() !== sourceNames(want).join()) throw differs(want, `set of volumes: ${held.sources.join(', ')}`);
}

async function makeGroup(site: Site, want: GroupSnapshotSpec): Promise<SeenGroup> {
  const io = await site.openToMake(want);
  try {
    await createGroup(io, want.group);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
  const made = await findGroup(io, want.group);
  if (made === undefined) throw contended(want);
  return made;
}

/** Writes the records, and puts the volumes into the group. */
async function gather(
  site: Site,
  want: GroupSnapshotSpec,
  { group, volumes }: { readonly group: SeenGroup; readonly volumes: readonly SeenVolume[] },
): Promise<void> {
  const record = newSnapshotRecord(site, want, { id: group.id, spec: formatGroup(want) });
  for (const volume of volumes) {
    await checkHolder(volume);
    const now = readSnapshotRecord(volume.header.metadata, want.group);
    if (now?.group !== group.id) await writeSnapshotRecord(volume, want.group, record);
    await addVolume(site, want, { group, volume });
  }
}

async function addVolume(
  site: Site,
  want: GroupSnapshotSpec,
  { group, volume }: { readonly group: SeenGroup; readonly volume: SeenVolume },
): Promise<void> {
  const current = await findGroupOf(volume.io, volume.header.id);
  if (current !== undefined && current !== group.id) await freeFromStale(site, { io: group.io, groupId: current }, volume);
  try {
    await addToGroup(group.io, want.group, { io: volume.io, name: volume.image });
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    const message = `${nameOfVolume(volume)} is in another group snapshot that is being taken`;
    throw new Failure('busy', 'GROUPS_OVERLAP', message, { cause: error });
  }
}

/** The snapshot takes every volume's exclusive lock; see openToChange. */
async function checkHolder(volume: SeenVolume): Promise<void> {
  if (volume.header.lockers.length === 0) return;
  const open = await openToChange(volume.io, volume.header, volume.image);
  await open[Symbol.asyncDispose]();
}

function sourceNames(want: GroupSnapshotSpec): string[] {
  return want.sources.map(formatImage).toSorted();
}

function differs(want: GroupSnapshotSpec, what: string): Failure {
  return new Failure('conflict', 'GROUP_DIFFERS', `the group snapshot ${formatGroup(want)} exists with another ${what}`);
}

function foreign(want: GroupSnapshotSpec): Failure {
  return new Failure('conflict', 'GROUP_NOT_OURS', `the group ${formatGroup(want)} is there and was not made by Loligo`);
}

function contended(want: GroupSnapshotSpec): Failure {
  return new Failure(
    'busy',
    'GROUP_BEING_TAKEN',
    `the group snapshot ${formatGroup(want)} is being taken, or was cut off a moment ago`,
  );
}
