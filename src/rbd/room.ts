import { dropObject, type IoContext, isErrno, WriteOperation } from '#ceph';

const PROBE = 'loligo.room';

/**
 * Throws CephError EDQUOT or ENOSPC when the pool is full. librbd does not say so of a snapshot: measured on Ceph 16,
 * it takes one in a full pool, answers 0, and leaves it without its object map. Two round trips.
 */
export async function checkRoom(io: IoContext): Promise<void> {
  // One that is there already, for a call that was cut off left it, would not grow: only growth is refused.
  if (!(await addProbe(io))) {
    await dropObject(io, PROBE);
    await addProbe(io);
  }
  await dropObject(io, PROBE);
}

async function addProbe(io: IoContext): Promise<boolean> {
  using operation = new WriteOperation(io);
  try {
    await operation.createExclusive().writeFull(Buffer.alloc(1)).run(PROBE);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}
