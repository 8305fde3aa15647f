/**
 * What a promote or demote that stopped half-way left (mirror-flag.ts) is finished here, and only where it is proved that it stopped:
 * a demote holds the exclusive lock from its first write to its last. Cleared under a demote that goes on, the flag would be missing
 * at its end, and the demoted image would take writes that nobody ever copies.
 */
import { changeNonPrimaryFlag, findLockHolder, Image, type LockHolder } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { checkHolder } from '../change-image.ts';
import { NON_PRIMARY } from '../features.ts';
import type { MirroredImage, MirrorPlace } from './mirrored-image.ts';
import { isExposed, isHalfMoved } from './standing.ts';

/** Longer than any write that is still under way can take. */
const CUT_OFF_SECONDS = 3600;

/**
 * Makes an image that is primary writable, where its promote (or a demote) was killed half-way. Nothing to do for any other. Throws
 * `busy` IMAGE_MOVING while somebody is at it, and what `checkHolder` throws for a mover that may be a node.
 */
export async function finishPromote(at: MirrorPlace, found: MirroredImage): Promise<void> {
  if (!isHalfMoved(found.seen)) return;
  const { id, seen } = found;
  const holder = await findLockHolder(at.io, id);
  if (holder !== undefined) await cutOff(at, found, holder);
  const change = { flag: NON_PRIMARY, to: 'clear', sequence: seen.header.snapshotSequence, broken: holder } as const;
  if (!(await changeNonPrimaryFlag(at.io, id, change))) throw moving(at, found);
}

/** Takes writes from an image that is demoted or a copy, and takes them: a promote that was thought dead cleared the flag late. */
export async function finishDemote(at: MirrorPlace, found: MirroredImage): Promise<void> {
  if (!isExposed(found.seen)) return;
  const change = { flag: NON_PRIMARY, to: 'set', sequence: found.seen.header.snapshotSequence } as const;
  if (!(await changeNonPrimaryFlag(at.io, found.id, change))) throw moving(at, found);
}

/** A mover that does not watch the image any more is dead, or away: what it still has in flight must not land. */
async function cutOff(at: MirrorPlace, found: MirroredImage, { client }: LockHolder): Promise<void> {
  await using image = await Image.openReadOnly(at.io, { id: found.id });
  const watchers = await image.watchers();
  if (watchers.some((watcher) => watcher.client === client)) throw moving(at, found);
  await checkHolder(image, [client], found.image);
  const address = (await image.lockers()).find((locker) => locker.client === client)?.address;
  if (address === undefined) throw moving(at, found);
  await at.site.cluster.blocklist(address, CUT_OFF_SECONDS);
  await at.site.cluster.waitForLatestMap();
}

function moving(at: MirrorPlace, { image }: MirroredImage): Failure {
  const message = `${formatImage({ ...at.place, image })} is just being promoted or demoted by somebody else`;
  return new Failure('busy', 'IMAGE_MOVING', message);
}
