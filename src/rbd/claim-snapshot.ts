import { Failure } from '#lib/failure';
import { formatImage, formatPlace, parseImage } from '#lib/handle';
import { type Claim, type ClaimKey, claimName, newClaim, takeOver } from './name-index.ts';
import type { Site } from './site.ts';
import { lookAside, lookForSnapshot, ofEarlierVolume, type SnapshotTraces } from './snapshot-record.ts';
import type { SnapshotRef, SnapshotSpec } from './specs.ts';

export function snapshotClaim(snapshot: string): ClaimKey {
  return `snapshot/${snapshot}`;
}

/**
 * Makes the name this volume's. Throws `conflict` when another volume has a snapshot of that name, an earlier one of the
 * same name too, and `busy` while one may be getting it.
 */
export async function claimSnapshot(site: Site, want: SnapshotSpec, { volume, record }: SnapshotTraces): Promise<void> {
  const key = snapshotClaim(want.snapshot);
  const ours = newClaim([formatImage(want)], site.identity.instance, volume.header.id);
  const held = await claimName(volume.io, key, ours);
  if (held === 'ours') return;
  const isOfName = held.sources.includes(formatImage(want));
  if (isOfName && (held.id === undefined || held.id === volume.header.id)) {
    // Our own claim is made young again before the record follows, or another volume might take it over meanwhile.
    if (record === undefined) await takeOver(volume.io, key, { from: held, to: ours });
    return;
  }
  if (isOfName) await checkEarlierDone(site, want, held);
  else await checkAbandoned(site, want, held);
  await takeOver(volume.io, key, { from: held, to: ours });
}

/**
 * Throws unless the volume of the same name that holds the name got no snapshot, and gets none any more. It may be the
 * earlier one, that was set aside, or (then that is ours) the new one.
 */
async function checkEarlierDone(site: Site, want: SnapshotRef, held: Claim): Promise<void> {
  const aside = await lookAside(site, want);
  if (aside === undefined) return;
  if (aside.info !== undefined) throw ofEarlierVolume(want);
  if (site.mayBeUnderWay(held.since)) throw contended(want.snapshot, 'another volume of the same name');
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
    throw contended(want.snapshot, source);
  }
}

function contended(snapshot: string, source: string): Failure {
  return new Failure('busy', 'NAME_CONTENDED', `a snapshot ${snapshot} of ${source} is being taken, or was cut off`);
}
