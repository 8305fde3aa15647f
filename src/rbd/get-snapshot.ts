import type { Site } from './site.ts';
import { getSnapshotImage } from './snapshot-record.ts';
import type { Snapshot, SnapshotRef } from './specs.ts';
import { toSnapshot } from './to-snapshot.ts';

/** A snapshot of a volume, taken by Loligo or by somebody else. No image is opened. */
export async function getSnapshot(site: Site, ref: SnapshotRef): Promise<Snapshot> {
  return await toSnapshot(site, await getSnapshotImage(site, ref), ref.snapshot);
}
