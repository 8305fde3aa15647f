import { listMetadata, readSnapshots } from '#ceph';
import { compareText } from '#lib/compare-text';
import { DELETED } from '#lib/handle';
import { findVolume, type SeenVolume } from './look.ts';
import type { Site } from './site.ts';
import { isNamed, readSnapshotRecord, recordedSnapshots, type SeenSnapshot } from './snapshot-record.ts';
import type { ImageRef, Page, Snapshot, SnapshotPage } from './specs.ts';
import { toSnapshot } from './to-snapshot.ts';
import { formatPosition, type Position, parsePosition, walkVolumes } from './walk-volumes.ts';

/** The snapshots that this instance took, of all volumes or of one; those of deleted volumes too. No image is opened. */
export async function listSnapshots(site: Site, asked: Page & { readonly source: ImageRef | undefined }): Promise<SnapshotPage> {
  const after = parsePosition(asked.after);
  const snapshots: Snapshot[] = [];
  let last = '';
  for await (const volume of volumesAsked(site, asked, after)) {
    for (const [name, seen] of await snapshotsOf(site, volume, after)) {
      if (asked.max > 0 && snapshots.length >= asked.max) return { snapshots, next: last };
      snapshots.push(await toSnapshot(site, seen, name));
      last = formatPosition(volume, name);
    }
  }
  return { snapshots, next: '' };
}

async function* volumesAsked(
  site: Site,
  { source, max }: Page & { readonly source: ImageRef | undefined },
  after: Position | undefined,
): AsyncGenerator<SeenVolume> {
  if (source === undefined) return yield* walkVolumes(site, after, max);
  // Both may be there: a new volume may have the name that the old one had.
  for (const image of [source.image, source.image + DELETED]) {
    const volume = await findVolume(site, { ...source, image });
    if (volume !== undefined && compareText(image, after?.image ?? '') >= 0) yield volume;
  }
}

/** By name, from behind the position when that lies in this image. Two round trips, none for an image without snapshots. */
async function snapshotsOf(site: Site, volume: SeenVolume, after: Position | undefined): Promise<[string, SeenSnapshot][]> {
  const { io, header } = volume;
  if (header.snapshotIds.length === 0) return [];
  const metadata = await listMetadata(io, header.id);
  const infos = await readSnapshots(io, header.id, header.snapshotIds);
  const begin =
    after !== undefined && formatPosition(volume) === formatPosition({ io: after, image: after.image }) ? after.snapshot : '';
  const names = recordedSnapshots(metadata).filter((name) => compareText(name, begin) > 0);
  return names.toSorted(compareText).flatMap((name): [string, SeenSnapshot][] => {
    const record = readSnapshotRecord(metadata, name);
    const info = infos.find((candidate) => isNamed(candidate, name, record));
    return record?.instance === site.identity.instance && info !== undefined ? [[name, { volume, info, record }]] : [];
  });
}
