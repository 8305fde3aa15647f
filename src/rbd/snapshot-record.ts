/**
 * The record of a CSI snapshot: the metadata key `loligo.snapshot.<name>` of its image, and the snapshot itself, in
 * the user's namespace or (a member of a group snapshot) in the group's.
 *   S1  the record is written before the snapshot is taken and removed after it is gone: a record without a snapshot
 *       is a call that was cut off, and the next one finishes it;
 *   S2  a user snapshot without a record is somebody's: it may be cloned, and is never removed;
 *   S3  a clone that librbd made inherits its parent's records; its own record (record.ts) is written together with their removal.
 */
import { type ImageHeader, readSnapshots, type SnapshotInfo } from '#ceph';
import { Failure } from '#lib/failure';
import { DELETED, formatImage } from '#lib/handle';
import { field, parseJson } from '#lib/json';
import { findVolume, type SeenVolume } from './look.ts';
import { MIRROR_MARK } from './mirror/mark.ts';
import { isOrphaned } from './orphaned-snapshots.ts';
import { applyMetadata } from './record.ts';
import type { Site } from './site.ts';
import type { Labels, SnapshotRef } from './specs.ts';
import { DELETION } from './trashed.ts';

const PREFIX = 'loligo.snapshot.';

export interface SnapshotRecord {
  readonly v: number;
  /** CSI's name. */
  readonly request: string;
  readonly instance: string;
  /** The id of the RBD group whose snapshot it is a member of, or ''. */
  readonly group: string;
  /** That group snapshot as `pool[/namespace]/name`, or ''. */
  readonly groupSnapshot: string;
  readonly labels: Labels;
}

/** A volume, and of one of its snapshots what there is: both, neither, or what a cut-off call left (S1). */
export interface SnapshotTraces {
  readonly volume: SeenVolume;
  readonly info: SnapshotInfo | undefined;
  readonly record: SnapshotRecord | undefined;
  /** What a removal that was cut off left of it. */
  readonly residue: boolean;
}

export interface SeenSnapshot extends Omit<SnapshotTraces, 'residue'> {
  readonly info: SnapshotInfo;
  /** Undefined for one that Loligo did not take (S2). */
  readonly record: SnapshotRecord | undefined;
}

export function snapshotKey(snapshot: string): string {
  return PREFIX + snapshot;
}

/** Names of the snapshots that metadata has records of. */
export function recordedSnapshots(metadata: ReadonlyMap<string, string>): string[] {
  return [...metadata.keys()].filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length));
}

export function newSnapshotRecord(
  site: Site,
  want: { readonly name: string; readonly labels: Labels },
  group: { readonly id: string; readonly spec: string } = { id: '', spec: '' },
): SnapshotRecord {
  const { instance } = site.identity;
  return { v: 1, request: want.name, instance, group: group.id, groupSnapshot: group.spec, labels: want.labels };
}

export async function writeSnapshotRecord(volume: SeenVolume, snapshot: string, record: SnapshotRecord): Promise<void> {
  await applyMetadata(volume.io, volume.header, { set: new Map([[snapshotKey(snapshot), JSON.stringify(record)]]), remove: [] });
}

export async function dropSnapshotRecord(volume: SeenVolume, snapshot: string): Promise<void> {
  await applyMetadata(volume.io, volume.header, { set: new Map(), remove: [snapshotKey(snapshot)] });
}

export function readSnapshotRecord(metadata: ImageHeader['metadata'], snapshot: string): SnapshotRecord | undefined {
  const record = parseJson(metadata.get(snapshotKey(snapshot)) ?? '');
  return isSnapshotRecord(record) ? record : undefined;
}

function isSnapshotRecord(value: unknown): value is SnapshotRecord {
  const texts = ['request', 'instance', 'group', 'groupSnapshot'].every((name) => typeof field(value, name) === 'string');
  return texts && typeof field(value, 'v') === 'number';
}

/**
 * Looks under the volume's name, then under the one that it keeps while its snapshots outlive it: a new volume may have
 * the name by now, and the snapshot is the old one's. The volume of the name when neither has a trace of it.
 */
export async function lookForSnapshot(site: Site, ref: SnapshotRef): Promise<SnapshotTraces | undefined> {
  const named = await lookUnder(site, ref, ref.image);
  if (named !== undefined && hasTraces(named)) return named;
  const aside = await lookAside(site, ref);
  return aside !== undefined && (named === undefined || hasTraces(aside)) ? aside : named;
}

/**
 * The same for one that is to be taken: of a volume that is there, and not set aside. Throws `conflict` when an earlier
 * volume of the name, which was deleted, has that snapshot: both would have one handle. Where no such volume lives on, that
 * is one round trip.
 */
export async function lookBeforeTaking(site: Site, ref: SnapshotRef): Promise<SnapshotTraces | undefined> {
  // In this order: where a new volume is seen, the old one was set aside before.
  const named = await lookUnder(site, ref, ref.image);
  if (named?.info !== undefined) return named;
  const aside = await lookAside(site, ref);
  if (named === undefined) return aside;
  if (aside?.info !== undefined) throw ofEarlierVolume(ref);
  return named;
}

/** The same of a volume that was deleted and that its snapshots keep. */
export async function lookAside(site: Site, ref: SnapshotRef): Promise<SnapshotTraces | undefined> {
  return await lookUnder(site, ref, ref.image + DELETED);
}

export function ofEarlierVolume(ref: SnapshotRef): Failure {
  const message = `${formatImage(ref)}@${ref.snapshot} is a snapshot of an earlier volume of that name, which was deleted and lives on for it: delete that snapshot, or use another name`;
  return new Failure('conflict', 'SNAPSHOT_DIFFERS', message);
}

function hasTraces({ info, record, residue }: SnapshotTraces): boolean {
  return info !== undefined || record !== undefined || residue;
}

async function lookUnder(site: Site, ref: SnapshotRef, image: string): Promise<SnapshotTraces | undefined> {
  const volume = await findVolume(site, { ...ref, image }, [snapshotKey(ref.snapshot), DELETION, MIRROR_MARK]);
  if (volume === undefined) return undefined;
  const record = readSnapshotRecord(volume.header.metadata, ref.snapshot);
  const infos = await readSnapshots(volume.io, volume.header.id, volume.header.snapshotIds);
  const residue = infos.some(
    (info) => isOrphaned(info) && info.namespace.kind === 'trash' && info.namespace.originalName === ref.snapshot,
  );
  return { volume, record, residue, info: infos.find((candidate) => isNamed(candidate, ref.snapshot, record)) };
}

/** A snapshot that is there, of a volume under either of its names. */
export async function findSnapshot(site: Site, ref: SnapshotRef): Promise<SeenSnapshot | undefined> {
  const traces = await lookForSnapshot(site, ref);
  return traces?.info && { ...traces, info: traces.info };
}

/**
 * A member of a group snapshot is called `.group.<pool>_<group id>_<snapshot id>` on its image; which group is
 * in the record, and since each of our groups has one snapshot, the group's id tells it.
 */
export function isNamed(info: SnapshotInfo, name: string, record: SnapshotRecord | undefined): boolean {
  if (record !== undefined && record.group !== '') {
    return info.namespace.kind === 'group' && info.namespace.groupId === record.group;
  }
  return info.namespace.kind === 'user' && info.name === name;
}

/** Throws `not-found`. */
export async function getSnapshotImage(site: Site, ref: SnapshotRef): Promise<SeenSnapshot> {
  const seen = await findSnapshot(site, ref);
  if (seen === undefined) throw snapshotMissing(site, ref);
  return seen;
}

function snapshotMissing(site: Site, ref: SnapshotRef): Failure {
  const message = `cluster ${site.identity.cluster} has no snapshot ${formatImage(ref)}@${ref.snapshot}`;
  return new Failure('not-found', 'SNAPSHOT_NOT_FOUND', message);
}
