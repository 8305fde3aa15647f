import { Failure } from '#lib/failure';
import { nameOfVolume } from './group-snapshot.ts';
import type { SeenVolume } from './look.ts';
import { hasWork } from './work-index.ts';

/**
 * Throws `unfinished` for a volume that is being flattened, or is noted for it. Measured on Ceph 16: a snapshot that is
 * taken during a flatten (with deep-flatten) reads as zeros where data was being copied at that moment, and so does
 * every clone of it. A note comes before the clone itself, or long before the flatten begins (do-work.ts), so what is
 * looked at here does not change while the snapshot is being taken.
 */
export async function checkNotFlattening(volume: SeenVolume): Promise<void> {
  if (volume.header.parent === undefined) return;
  if (!(await hasWork(volume.io, { do: 'flatten', image: volume.image }))) return;
  const message = `${nameOfVolume(volume)} is being made independent of its source: a snapshot can be taken when that is done`;
  throw new Failure('unfinished', 'FLATTEN_RUNNING', message);
}
