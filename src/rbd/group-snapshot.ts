/**
 * A group snapshot: snapshots of several volumes taken at one moment. It is an RBD group named as it, in the place of
 * the group snapshot, with one snapshot of that name; the volumes leave the group again once it is taken. Each
 * volume has a record (snapshot-record.ts) with the group's id, and `group/<name>` in the index has the volumes.
 *   G1  order of writes: the name in the index, the group, the records, the volumes into the group, the snapshot, the
 *       volumes out of the group. Removal: the snapshot, the records, the group, the name;
 *   G2  the group's own list says what a complete snapshot consists of; until it is complete, the name in the index does;
 *   G3  a volume that is in a group is so for a moment: who finds one in a group of ours whose maker cannot live any
 *       more takes it out;
 *   G4  an incomplete snapshot is dropped and taken anew: never finished, for its parts may be of different moments;
 *   G5  a group that nothing in the index and no record speaks of is somebody's, and left alone;
 *   G6  the name is in the index of every volume's place, in the group's own first and removed last: so no other group
 *       snapshot has it in any of them.
 */
import {
  dropSnapshotById,
  findGroupId,
  type GroupSnapshotInfo,
  type IoContext,
  listGroupImages,
  listGroupSnapshots,
  orGone,
  readSnapshots,
  removeGroupSnapshot,
  type SnapshotInfo,
  takeFromGroup,
} from '#ceph';
import { formatImage, formatPlace, parseImage } from '#lib/handle';
import { openToChange } from './change-image.ts';
import { findVolumeOrDeleted, type SeenVolume } from './look.ts';
import type { Claim, ClaimKey } from './name-index.ts';
import { isOrphaned } from './orphaned-snapshots.ts';
import type { Site } from './site.ts';
import { snapshotKey } from './snapshot-record.ts';
import type { GroupRef } from './specs.ts';

export interface SeenGroup {
  readonly io: IoContext;
  readonly id: string;
  readonly snapshot: GroupSnapshotInfo | undefined;
}

export function groupClaim(group: string): ClaimKey {
  return `group/${group}`;
}

export function formatGroup(ref: GroupRef): string {
  return `${formatPlace(ref)}/${ref.group}`;
}

/** The other way of formatGroup. */
export function parseGroup(text: string): GroupRef {
  const { image: group, ...place } = parseImage(text);
  return { ...place, group };
}

/** Two round trips. */
export async function findGroup(io: IoContext, group: string): Promise<SeenGroup | undefined> {
  const id = await findGroupId(io, group);
  if (id === undefined) return undefined;
  const snapshots = await listGroupSnapshots(io, id);
  return { io, id, snapshot: snapshots.find((snapshot) => snapshot.name === group) };
}

/** The volumes that a claim names, those set aside included and those that are gone left out. */
export async function volumesOfClaim(site: Site, ref: GroupRef, claim: Claim | undefined): Promise<SeenVolume[]> {
  const sources = claim?.sources ?? [];
  const found = await Promise.all(sources.map((source) => findVolumeOrDeleted(site, parseImage(source), [snapshotKey(ref.group)])));
  return found.filter((volume) => volume !== undefined);
}

/** Takes all volumes out of the group, those included whose deletion was begun. */
export async function releaseImages(site: Site, group: SeenGroup, name: string): Promise<void> {
  for (const { poolId, imageId } of await listGroupImages(group.io, group.id)) {
    const io = await site.cluster.open(await site.poolName(poolId), group.io.namespace);
    await orGone(takeFromGroup(group.io, name, { io, id: imageId }));
  }
}

/** Drops the snapshot whole, with the parts that a cut-off call left on volumes and the group does not know of (G4). */
export async function dropTaken(group: SeenGroup, name: string, volumes: readonly SeenVolume[]): Promise<void> {
  if (group.snapshot !== undefined) {
    if (!group.snapshot.complete) for (const volume of volumes) await dropParts(volume, group.id);
    await orGone(removeGroupSnapshot(group.io, name, name));
  }
  for (const volume of volumes) await dropParts(volume, group.id);
}

async function dropParts({ io, header, image }: SeenVolume, groupId: string): Promise<void> {
  const infos = await readSnapshots(io, header.id, header.snapshotIds);
  const isPart = ({ namespace }: SnapshotInfo): boolean => namespace.kind === 'group' && namespace.groupId === groupId;
  const parts = infos.filter((info) => isPart(info) || isOrphaned(info));
  if (parts.length === 0) return;
  await using open = await openToChange(io, header, image);
  for (const part of parts) await dropSnapshotById(open, part.id);
}

/** `pool[/namespace]/image` by the volume's own name, whether it is set aside or not. */
export function nameOfVolume({ io, record }: SeenVolume): string {
  return formatImage({ pool: io.pool, namespace: io.namespace, image: record.name });
}
