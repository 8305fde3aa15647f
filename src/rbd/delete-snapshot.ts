/**
 * Removes a snapshot that Loligo took, or finds it gone. Clones of it live on (format 2).
 *
 * Order: the snapshot, its record (S1), its name in the index (X1), and with the last snapshot of a deleted volume the
 * image. Each step is taken also when those before it were taken by a call that was cut off.
 */
import { dropSnapshot, isErrno } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { checkpoint, type Scope } from '#lib/scope';
import { openToChange } from './change-image.ts';
import { snapshotClaim } from './claim-snapshot.ts';
import { retireDeleted } from './delete-volume.ts';
import type { SeenVolume } from './look.ts';
import { isOthersImage } from './mirror/served-here.ts';
import { dropName, findClaim } from './name-index.ts';
import { dropOrphaned } from './orphaned-snapshots.ts';
import type { Site } from './site.ts';
import { dropSnapshotRecord, lookForSnapshot, type SnapshotTraces } from './snapshot-record.ts';
import type { SnapshotRef } from './specs.ts';

export async function deleteSnapshot(site: Site, ref: SnapshotRef, scope: Scope): Promise<void> {
  const traces = await lookForSnapshot(site, ref);
  if (traces === undefined) return await dropClaim(site, ref);
  checkOurs(site, ref, traces);
  if (await isOthersImage(site, traces.volume)) {
    scope.log.info({ snapshot: `${formatImage(ref)}@${ref.snapshot}` }, 'it is a copy here: its original stays, and so does it');
    return;
  }

  if (traces.info !== undefined) await dropFrom(traces.volume, ref.snapshot);
  else if (traces.residue) await dropOrphaned(traces.volume.io, traces.volume.header, traces.volume.image);
  checkpoint(scope);
  if (traces.record === undefined) {
    await dropClaim(site, ref);
  } else {
    await dropSnapshotRecord(traces.volume, ref.snapshot);
    // Behind a record the name cannot have become another's (X4), so there is no need to look.
    await dropName(traces.volume.io, snapshotClaim(ref.snapshot));
  }
  if (traces.volume.image !== ref.image) await retireDeleted(site, ref);
}

/** Throws for what is not to be deleted, or not by itself. */
function checkOurs(site: Site, ref: SnapshotRef, { record, info }: SnapshotTraces): void {
  const name = `${formatImage(ref)}@${ref.snapshot}`;
  if (record === undefined) {
    if (info === undefined) return;
    throw new Failure('precondition', 'SNAPSHOT_NOT_OURS', `${name} was not taken by Loligo and stays`);
  }
  if (record.instance !== site.identity.instance) {
    throw new Failure('precondition', 'SNAPSHOT_NOT_OURS', `${name} was taken by the Loligo called ${record.instance} and stays`);
  }
  if (record.group !== '') {
    throw new Failure(
      'invalid',
      'SNAPSHOT_OF_GROUP',
      `${name} belongs to the group snapshot ${record.groupSnapshot} and goes with it`,
    );
  }
}

async function dropFrom(volume: SeenVolume, snapshot: string): Promise<void> {
  await using image = await openToChange(volume.io, volume.header, volume.image);
  try {
    await dropSnapshot(image, snapshot);
  } catch (error) {
    if (!isErrno(error, 'EBUSY')) throw error;
    const message = `${volume.image}@${snapshot} is protected, or a clone of the old format needs it`;
    throw new Failure('in-use', 'SNAPSHOT_IN_USE', message, { cause: error });
  }
}

/** The name may meanwhile be another volume's: only this one's claim goes. */
async function dropClaim(site: Site, ref: SnapshotRef): Promise<void> {
  const io = await site.open(ref);
  const claim = await findClaim(io, snapshotClaim(ref.snapshot));
  if (claim?.sources.includes(formatImage(ref))) await dropName(io, snapshotClaim(ref.snapshot));
}
