/**
 * One pass of housekeeping in a place: purges what lies in the trash past its retention, and does the work that the
 * index holds. Only what this instance made is touched. Each piece may be cut off anywhere and is begun again by the
 * next pass. Controllers take turns at it.
 */
import { findHeader, type IoContext, type TrashEntry } from '#ceph';
import { Failure } from '#lib/failure';
import { inParallel } from '#lib/in-parallel';
import { doWork } from './do-work.ts';
import type { EngineScope } from './engine-scope.ts';
import { explain } from './errno.ts';
import { freeFromAnyGroup } from './free-from-group.ts';
import { PlaceLock } from './place-lock.ts';
import { dropPublications } from './publications.ts';
import { RECORD, readRecord } from './record.ts';
import type { Site } from './site.ts';
import type { Place, Reaped } from './specs.ts';
import { DELETION, finishTrashMove, purge } from './trashed.ts';
import { dropUnclaimed } from './trashed-snapshots.ts';
import { walkTrash } from './walk-trash.ts';
import { addWork, listWork, type Outcome } from './work-index.ts';

/** Images purged or pieces of work done at once: enough to keep an OSD busy, and clients do not feel it. */
const AT_ONCE = 4;

export async function reap(site: Site, place: Place, scope: EngineScope): Promise<Reaped> {
  const io = await site.open(place);
  await using turn = await PlaceLock.tryTake(io, `reaper/${site.identity.instance.slice(0, 64)}`, scope.log);
  if (turn === undefined) return { purged: 0, flattened: 0, waiting: 0, failed: [], isOthersTurn: true };
  const counts = { purged: 0, flattened: 0, done: 0, waiting: 0 };
  const failed: { image: string; reason: string }[] = [];
  const attempt = async (image: string, piece: () => Promise<Outcome>): Promise<void> => {
    if (turn.isLost) return;
    try {
      counts[await piece()] += 1;
    } catch (error) {
      const failure = explain(error, image);
      if (!(failure instanceof Failure)) throw error;
      failed.push({ image, reason: failure.reason });
      scope.log.warn({ image, reason: failure.reason, err: failure }, 'housekeeping could not be done; it is tried again');
    }
    scope.progress();
  };
  const work = await listWork(io);
  await inParallel(work, AT_ONCE, (item) => attempt(item.image, () => doWork(site, io, item, scope)));
  // A clone holds its parent, so what waits for another in one round may go in the next.
  for (let before = -1; before !== counts.purged; ) {
    before = counts.purged;
    counts.waiting = 0;
    await eachExpired(io, (entry) => attempt(entry.name, () => purgeExpired(site, io, entry, scope)));
  }
  return { purged: counts.purged, flattened: counts.flattened, waiting: counts.waiting, failed, isOthersTurn: turn.isLost };
}

async function eachExpired(io: IoContext, visit: (entry: TrashEntry) => Promise<void>): Promise<void> {
  for await (const page of walkTrash(io)) {
    const expired = page.filter((entry) => entry.source === 0 && entry.keptUntil <= Date.now());
    await inParallel(expired, AT_ONCE, visit);
  }
}

async function purgeExpired(site: Site, io: IoContext, entry: TrashEntry, scope: EngineScope): Promise<Outcome> {
  const header = await findHeader(io, entry.id, [RECORD, DELETION]);
  const record = header && readRecord(header, entry.name);
  if (record?.instance !== site.identity.instance || !header?.metadata.has(DELETION)) return 'done';
  await freeFromAnyGroup(site, { io, image: entry.name, header, record });
  if ((await dropUnclaimed(site, io, { header, name: entry.name })) > 0) return 'waiting';
  // The record goes with the header; should we be cut off behind it, this says that the rest is ours.
  await addWork(io, { do: 'purge', image: entry.id });
  await dropPublications(io, record.name, entry.id);
  const isYoung = site.mayBeUnderWay(entry.deletedAt);
  const outcome = await purge(io, entry.id, scope);
  if (outcome === 'purged' || isYoung || !(await finishTrashMove(io, entry.id))) return outcome;
  return await purge(io, entry.id, scope);
}
