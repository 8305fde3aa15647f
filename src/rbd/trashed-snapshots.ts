import { dropSnapshotById, type ImageHeader, type IoContext, listMetadata, readSnapshots, type SnapshotInfo } from '#ceph';
import { openToChange } from './change-image.ts';
import { isOrphaned } from './orphaned-snapshots.ts';
import type { Site } from './site.ts';
import { isNamed, readSnapshotRecord, recordedSnapshots } from './snapshot-record.ts';
import { isInternal } from './trashed.ts';

/**
 * Drops the snapshots of an image in the trash that nobody needs or was ever told of (trashed.ts, T2); gives how many are
 * left: those that clones hold, and persons' own.
 */
export async function dropUnclaimed(site: Site, io: IoContext, image: { header: ImageHeader; name: string }): Promise<number> {
  const { header, name } = image;
  if (header.snapshotIds.length === 0) return 0;
  const infos = await readSnapshots(io, header.id, header.snapshotIds);
  const isTaken = await takenByUs(site, io, header.id);
  const unclaimed = infos.filter((info) => isOrphaned(info) || isInternal(info) || isTaken(info));
  if (unclaimed.length > 0) {
    await using open = await openToChange(io, header, name);
    for (const info of unclaimed) await dropSnapshotById(open, info.id);
  }
  // One that has clones only moves to the trash namespace.
  return infos.filter((info) => !unclaimed.includes(info) || info.children > 0).length;
}

/** Which snapshots have a record of this instance. */
async function takenByUs(site: Site, io: IoContext, id: string): Promise<(info: SnapshotInfo) => boolean> {
  const metadata = await listMetadata(io, id);
  const taken = recordedSnapshots(metadata).flatMap((name) => {
    const record = readSnapshotRecord(metadata, name);
    return record?.instance === site.identity.instance ? [{ name, record }] : [];
  });
  return (info) => taken.some(({ name, record }) => isNamed(info, name, record));
}
