import { Failure } from '#lib/failure';
import { formatImage, formatPlace, parseImage } from '#lib/handle';
import { type Claim, type ClaimKey, claimName, newClaim, takeOver } from './name-index.ts';
import type { Site } from './site.ts';
import { lookForSnapshot, type SnapshotTraces } from './snapshot-record.ts';
import type { SnapshotSpec } from './specs.ts';

export function snapshotClaim(snapshot: string): ClaimKey {
  return `snapshot/${snapshot}`;
}

/**
 * Makes the name this volume's. Throws `conflict` when another volume has a snapshot of that name, and `busy` while one
 * may be getting it.
 */
export async function claimSnapshot(site: Site, want: SnapshotSpec, { volume, record }: SnapshotTraces): Promise<void> {
  const key = snapshotClaim(want.snapshot);
  const ours = newClaim([formatImage(want)], site.identity.instance);
  const held = await claimName(volume.io, key, ours);
  if (held === 'ours') return;
  if (held.sources.includes(formatImage(want))) {
    // Our own claim is made young again before the record follows, or another volume might take it over meanwhile.
    if (record === undefined) await takeOver(volume.io, key, { from: held, to: ours });
    return;
  }
  await checkAbandoned(site, want, held);
  await takeOver(volume.io, key, { from: held, to: ours });
}

/** Returns only when nothing is behind the claim and nobody can be at work on it any more (X4). */
async function checkAbandoned(site: Site, want: SnapshotSpec, held: Claim): Promise<void> {
  const [source = ''] = held.sources;
  const traces = await lookForSnapshot(site, { ...parseImage(source), snapshot: want.snapshot });
  if (traces === undefined) return;
  if (traces.record !== undefined) {
    const message = `${formatPlace(want)} has a snapshot ${want.snapshot} of ${source}`;
    throw new Failure('conflict', 'SNAPSHOT_DIFFERS', message);
  }
  if (site.mayBeUnderWay(held.since)) {
    throw new Failure('busy', 'NAME_CONTENDED', `a snapshot ${want.snapshot} of ${source} is being taken, or was cut off`);
  }
}
