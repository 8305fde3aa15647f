/**
 * Takes a snapshot, or finishes what an earlier call began.
 *
 * Order of writes: the name in the index (X1), the record on the image (S1), the snapshot. Each step looks at what is
 * there, so a call that was killed anywhere is finished by the next; DeleteSnapshot goes the other way.
 */
import { dropSnapshot, findDirectoryName, isErrno, takeSnapshot } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { checkpoint, type Scope } from '#lib/scope';
import { openToChange } from './change-image.ts';
import { claimSnapshot, snapshotClaim } from './claim-snapshot.ts';
import { explain } from './errno.ts';
import { checkNotFlattening } from './flattening.ts';
import { type SeenVolume, volumeMissing } from './look.ts';
import { dropName } from './name-index.ts';
import { checkRoom } from './room.ts';
import type { Site } from './site.ts';
import {
  dropSnapshotRecord,
  lookBeforeTaking,
  lookForSnapshot,
  newSnapshotRecord,
  type SnapshotTraces,
  writeSnapshotRecord,
} from './snapshot-record.ts';
import { checkSnapshotRoom } from './snapshot-room.ts';
import type { Snapshot, SnapshotSpec } from './specs.ts';
import { toSnapshot } from './to-snapshot.ts';
import { isBeingDeleted } from './trashed.ts';

export async function createSnapshot(site: Site, want: SnapshotSpec, scope: Scope): Promise<Snapshot> {
  const traces = await lookBeforeTaking(site, want);
  if (traces === undefined) throw volumeMissing(site, want);
  compareRecord(site, want, traces);
  if (isBeingDeleted(site, traces.volume.header)) throw vanished(want);
  if (traces.info !== undefined) return await toSnapshot(site, { ...traces, info: traces.info }, want.snapshot);
  if (traces.volume.image !== want.image) throw volumeMissing(site, want);
  await checkNotFlattening(traces.volume);
  await checkSnapshotRoom(traces.volume);
  await checkRoom(traces.volume.io);

  await claimSnapshot(site, want, traces);
  checkpoint(scope);
  await take(site, want, traces);
  return await lookAgain(site, want, traces);
}

async function take(site: Site, want: SnapshotSpec, traces: SnapshotTraces): Promise<void> {
  const { volume } = traces;
  try {
    if (traces.record === undefined) await writeSnapshotRecord(volume, want.snapshot, newSnapshotRecord(site, want));
    await takeOn(volume, want.snapshot);
  } catch (error) {
    if (isErrno(error, 'EDQUOT', 'ENOSPC')) await withdraw(volume, want);
    throw isErrno(error, 'ENOENT') ? vanished(want) : explain(error, `snapshot of ${formatImage(want)}`);
  }
}

async function takeOn(volume: SeenVolume, snapshot: string): Promise<void> {
  await using image = await openToChange(volume.io, volume.header, volume.image);
  try {
    await takeSnapshot(image, snapshot);
  } catch (error) {
    // Another controller that was asked the same was faster; what it took is looked at below.
    if (!isErrno(error, 'EEXIST')) throw error;
  }
}

/** A final answer is to come: what was begun goes first, for nobody will ask again. */
async function withdraw(volume: SeenVolume, want: SnapshotSpec): Promise<void> {
  await dropSnapshotRecord(volume, want.snapshot);
  await dropName(volume.io, snapshotClaim(want.snapshot));
}

/** The cluster's own time of the snapshot, and proof that the volume was not deleted meanwhile (trashed.ts, T2). */
async function lookAgain(site: Site, want: SnapshotSpec, before: SnapshotTraces): Promise<Snapshot> {
  const traces = await lookForSnapshot(site, want);
  if (traces?.info === undefined) {
    await dropFromDeleted(before.volume, want);
    throw vanished(want);
  }
  if (isBeingDeleted(site, traces.volume.header)) throw vanished(want);
  compareRecord(site, want, traces);
  return await toSnapshot(site, { ...traces, info: traces.info }, want.snapshot);
}

/** Drops what was taken of an image that is in the trash. Were we cut off before, the reaper would. */
async function dropFromDeleted(volume: SeenVolume, want: SnapshotSpec): Promise<void> {
  if ((await findDirectoryName(volume.io, volume.header.id)) !== undefined) return;
  try {
    await using image = await openToChange(volume.io, volume.header, volume.image);
    await dropSnapshot(image, want.snapshot);
    await withdraw(volume, want);
  } catch (error) {
    // It is purged already.
    if (!isErrno(error, 'ENOENT')) throw explain(error, `snapshot of ${formatImage(want)}`);
    await dropName(volume.io, snapshotClaim(want.snapshot));
  }
}

/** Throws `conflict` when a snapshot of that name is there, or begun, and is not the one that is asked for. */
function compareRecord(site: Site, want: SnapshotSpec, { record, info }: SnapshotTraces): void {
  if (record === undefined && info === undefined) return;
  const name = `${formatImage(want)}@${want.snapshot}`;
  if (record === undefined) throw new Failure('conflict', 'SNAPSHOT_NOT_OURS', `${name} is there and was not taken by Loligo`);
  if (record.instance !== site.identity.instance) throw differs(name, `instance: ${record.instance}`);
  if (record.request !== want.name) throw differs(name, `name: ${record.request}`);
  if (record.group !== '') throw differs(name, `group: ${record.groupSnapshot}`);
}

function differs(name: string, what: string): Failure {
  return new Failure('conflict', 'SNAPSHOT_DIFFERS', `${name} exists with another ${what}`);
}

function vanished(want: SnapshotSpec): Failure {
  return new Failure('busy', 'IMAGE_VANISHED', `${formatImage(want)} is being deleted, or was while its snapshot was being taken`);
}
