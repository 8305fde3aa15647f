/**
 * The mark of a place (pool and namespace) that is ours: the object `loligo.pool`, whose omap key `cluster` says which
 * logical cluster the place belongs to, and `format` the version of what we store. Invariants:
 *   P1  nothing of ours is made in a place before the mark is there;
 *   P2  nothing in a place without the mark, or with another cluster's, is read as ours, deleted, or taken for gone;
 *   P3  the mark is written once, by whoever makes the first thing, and never changed or removed.
 * Its other keys are in own-clients.ts and lost-nodes.ts.
 */
import { findKey, type IoContext, isErrno, WriteOperation } from '#ceph';
import { WORK } from './work-index.ts';

export const MARK = 'loligo.pool';
const FORMAT = '1';
/** Objects that deleting writes to. On a full pool they could not be made any more: `rbd_trash_move` then answers ENOENT. */
const NEEDED_TO_DELETE = ['rbd_trash', WORK];

/** The logical cluster that the place belongs to; undefined for a place without a mark. One round trip. */
export async function findOwner(io: IoContext): Promise<string | undefined> {
  return await findKey(io, MARK, 'cluster');
}

/** Marks a place as the cluster's, unless somebody was faster; gives whose it is then. */
export async function markPlace(io: IoContext, cluster: string): Promise<string> {
  for (const object of NEEDED_TO_DELETE) {
    using making = new WriteOperation(io);
    await making.create().run(object);
  }
  using operation = new WriteOperation(io);
  operation.create().compareKey('cluster', '').setKey('cluster', cluster).setKey('format', FORMAT);
  try {
    await operation.run(MARK);
    return cluster;
  } catch (error) {
    if (!isErrno(error, 'ECANCELED')) throw error;
    return (await findOwner(io)) ?? '';
  }
}
