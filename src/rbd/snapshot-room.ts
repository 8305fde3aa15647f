/**
 * The kernel client maps an image with at most 510 snapshots, those included that its clones hold in the trash
 * namespace. So there is a bound below that, and long before it the oldest clones are flattened.
 */
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import type { SeenVolume } from './look.ts';
import { addWork } from './work-index.ts';

export const SNAPSHOTS = { crowded: 250, most: 450 } as const;

/** Throws `exhausted` when no further snapshot fits; notes the oldest clones for flattening when it gets crowded. */
export async function checkSnapshotRoom(
  { io, image, header }: Pick<SeenVolume, 'io' | 'image' | 'header'>,
  bounds: { readonly crowded: number; readonly most: number } = SNAPSHOTS,
): Promise<void> {
  const count = header.snapshotIds.length;
  if (count >= bounds.crowded) await addWork(io, { do: 'flatten-children', image });
  if (count < bounds.most) return;
  const message = `${formatImage({ ...io, image })} has ${count} snapshots of at most ${bounds.most}, those that its clones hold included; delete some, or flatten clones`;
  throw new Failure('exhausted', 'TOO_MANY_SNAPSHOTS', message);
}
