/** The points in time that a secondary has whole: snapshots of the primary, by their ids there. */
import type { ImageFacts, PoolFacts } from './facts.ts';

export interface MirrorPoint {
  /** Of the primary's pool. */
  readonly mirrorUuid: string;
  readonly snapshotId: string;
  /** When the primary took it, by its clock; 0 when that is not known. */
  readonly at: number;
}

/** How many points of an image are worth keeping. */
const KEPT = 8;

/** What to keep of a primary's snapshots, so that the loss can still be told when that site is gone. Newest first. */
export function rememberPoints(old: readonly MirrorPoint[], pool: PoolFacts, image: ImageFacts): readonly MirrorPoint[] {
  const snapshots = image.detail?.snapshots ?? [];
  const seen = snapshots
    .filter(({ state }) => state === 'primary' || state === 'primary-demoted')
    .map(({ id, at }) => ({ mirrorUuid: pool.mirrorUuid, snapshotId: id, at }));
  const rest = old.filter((point) => !seen.some((other) => isSame(point, other)));
  return [...seen, ...rest].toSorted((a, b) => b.at - a.at).slice(0, KEPT);
}

/** The snapshots that a secondary has whole, newest first. */
export function copiedPoints(secondary: ImageFacts): readonly MirrorPoint[] {
  const whole = (secondary.detail?.snapshots ?? []).filter(({ state, complete }) => state.startsWith('non-primary') && complete);
  return whole
    .filter(({ primaryMirrorUuid }) => primaryMirrorUuid !== '')
    .map(({ primaryMirrorUuid, primarySnapshotId }) => ({ mirrorUuid: primaryMirrorUuid, snapshotId: primarySnapshotId, at: 0 }));
}

interface Witnesses {
  readonly primary: { readonly pool: PoolFacts | undefined; readonly image: ImageFacts | undefined };
  readonly secondary: { readonly image: ImageFacts | undefined };
  readonly remembered: readonly MirrorPoint[];
}

/**
 * When a point was taken: as the primary lists it now, as it was remembered, or, for the newest one, as the daemon last
 * reported it: that may be older than the truth, never younger. Undefined when nobody knows.
 */
export function pointTimes({ primary, secondary, remembered }: Witnesses): (point: MirrorPoint) => number | undefined {
  const listed = primary.pool && primary.image ? rememberPoints([], primary.pool, primary.image) : [];
  const newest = secondary.image && copiedPoints(secondary.image)[0];
  const reported = secondary.image && reportedTime(secondary.image);
  return (point) => {
    const known = [...listed, ...remembered].find((other) => isSame(other, point));
    return known?.at ?? (newest && isSame(newest, point) ? reported : undefined);
  };
}

/** `local_snapshot_timestamp` of the description `replaying, {json}`: of the primary's snapshot that is whole here. */
function reportedTime({ statuses }: ImageFacts): number | undefined {
  const description = statuses.find(({ mirrorUuid }) => mirrorUuid === '')?.description ?? '';
  const seconds = /"local_snapshot_timestamp":(\d+)/.exec(description)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

function isSame(a: MirrorPoint, b: MirrorPoint): boolean {
  return a.mirrorUuid === b.mirrorUuid && a.snapshotId === b.snapshotId;
}
