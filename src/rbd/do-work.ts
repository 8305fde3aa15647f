/** The pieces of work in the index (work-index.ts), each done or found done. */
import { type Child, dropSnapshot, findDirectoryName, type IoContext, listChildren, readSnapshots } from '#ceph';
import { openToChange } from './change-image.ts';
import { retireDeleted } from './delete-volume.ts';
import type { EngineScope } from './engine-scope.ts';
import { seeImage } from './look.ts';
import { findOwner } from './pool-mark.ts';
import { readRecord } from './record.ts';
import type { Site } from './site.ts';
import { SNAPSHOTS } from './snapshot-room.ts';
import { purge } from './trashed.ts';
import { addWork, hasWork, type Outcome, removeWork, type Work } from './work-index.ts';

const FLATTEN_AT_ONCE = 16;

/** Done also when somebody else did it; 'waiting' is tried again by the next pass. */
export async function doWork(site: Site, io: IoContext, work: Work, scope: EngineScope): Promise<Outcome> {
  switch (work.do) {
    case 'flatten':
      return await flatten(site, io, work, scope);
    case 'flatten-children':
      return await flattenChildren(site, io, work.image);
    case 'drop-snapshot':
      return await dropLeftSnapshot(site, io, work);
    case 'retire':
      return (await retireDeleted(site, { ...io, image: work.image })) ? 'done' : 'waiting';
    case 'purge':
      return await purge(io, work.image, scope);
  }
}

async function flatten(site: Site, io: IoContext, work: Extract<Work, { do: 'flatten' }>, scope: EngineScope): Promise<Outcome> {
  const seen = await seeImage(io, work.image);
  const record = seen.is === 'image' ? readRecord(seen.header, work.image) : undefined;
  if (seen.is !== 'image' || record === undefined) return await giveUpFlatten(site, io, work);
  // Another Loligo's note, or a foreign image that has the name by now: not ours to touch.
  if (record.instance !== site.identity.instance || Date.now() < (work.notBefore ?? 0)) return 'waiting';
  if (seen.header.parent !== undefined) {
    await using image = await openToChange(io, seen.header, work.image);
    await image.flatten(() => scope.progress());
  }
  await removeWork(io, work);
  return 'flattened';
}

/**
 * The note is written before the clone is made, and a clone without its own record is left as it was made: a repeated
 * call goes on only with one that holds nothing, and notes it again.
 */
async function giveUpFlatten(site: Site, io: IoContext, work: Extract<Work, { do: 'flatten' }>): Promise<Outcome> {
  if (site.mayBeUnderWay(work.since)) return 'waiting';
  await removeWork(io, work);
  return 'done';
}

/** Notes the oldest clones for flattening, so many that the image gets room again; their snapshots then go by themselves. */
async function flattenChildren(site: Site, io: IoContext, name: string): Promise<Outcome> {
  const seen = await seeImage(io, name);
  if (seen.is === 'image' && seen.header.snapshotIds.length >= SNAPSHOTS.crowded) {
    const oldest = [...seen.header.snapshotIds].sort((a, b) => Number(a - b));
    const held = (await readSnapshots(io, seen.header.id, oldest)).filter((snapshot) => snapshot.namespace.kind === 'trash');
    for (const snapshot of held.slice(0, FLATTEN_AT_ONCE)) await noteChildren(site, io, seen.header.id, snapshot.id);
  }
  await removeWork(io, { do: 'flatten-children', image: name });
  return 'done';
}

async function noteChildren(site: Site, io: IoContext, id: string, snapshotId: bigint): Promise<void> {
  const since = Date.now();
  // A snapshot of the child may be under way, which a flatten would spoil (flattening.ts).
  const notBefore = since + site.identity.creatorLife * 1000;
  for (const child of await listChildren(io, id, snapshotId)) {
    const clone = await findOurs(site, child);
    if (clone === undefined) continue;
    const work: Work = { do: 'flatten', image: clone.name, since, notBefore };
    if (!(await hasWork(clone.io, work))) await addWork(clone.io, work);
  }
}

/** A clone that is a volume of ours; undefined for one in the trash, and for a person's, in whose pool nothing is written (P1). */
async function findOurs(site: Site, { poolId, namespace, imageId }: Child): Promise<{ io: IoContext; name: string } | undefined> {
  const io = await site.cluster.open(await site.poolName(poolId), namespace);
  if ((await findOwner(io)) !== site.identity.cluster) return undefined;
  const name = await findDirectoryName(io, imageId);
  const seen = name === undefined ? undefined : await seeImage(io, name);
  const record = name !== undefined && seen?.is === 'image' ? readRecord(seen.header, name) : undefined;
  return name !== undefined && record?.instance === site.identity.instance ? { io, name } : undefined;
}

async function dropLeftSnapshot(site: Site, io: IoContext, work: Extract<Work, { do: 'drop-snapshot' }>): Promise<Outcome> {
  if (site.mayBeUnderWay(work.since)) return 'waiting';
  const seen = await seeImage(io, work.image);
  const record = seen.is === 'image' ? readRecord(seen.header, work.image) : undefined;
  if (seen.is === 'image' && record !== undefined) {
    if (record.instance !== site.identity.instance) return 'waiting';
    await using image = await openToChange(io, seen.header, work.image);
    await dropSnapshot(image, work.snapshot);
  }
  await removeWork(io, work);
  return 'done';
}
