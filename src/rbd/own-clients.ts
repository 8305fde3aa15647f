/**
 * Which Ceph clients are Loligo's own: keys `ours/<address>` of a place's `loligo.pool`, one for each connection that
 * opened the place and did not leave it properly. The mark is there before anything is locked.
 *
 * A driver that was killed whole, or whose node lost power, leaves locks behind that nobody is left to fence. No node
 * has a volume through one of these clients, so such a lock may be broken, where a node's may not (change-image.ts).
 */
import { findKey, type IoContext, isErrno, listMirrorClients, type Watcher, WriteOperation, watchingClients } from '#ceph';
import { MARK } from './pool-mark.ts';

/** One round trip. Who may not write, or finds the pool full, is taken for a node should it die with a lock. */
export async function noteOwnClient(io: IoContext): Promise<void> {
  using operation = new WriteOperation(io);
  try {
    await operation.assertExists().setKey(keyOf(io.cluster.addresses()), new Date().toISOString()).run(MARK);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'EPERM', 'EACCES', 'EDQUOT', 'ENOSPC')) throw error;
  }
}

/** For a connection that leaves nothing locked. Throws for who may not write, and for a pool that was deleted. */
export async function forgetOwnClient(io: IoContext): Promise<void> {
  using operation = new WriteOperation(io);
  await operation.assertExists().removeKey(keyOf(io.cluster.addresses())).run(MARK);
}

/** `address` as a locker has it: `10.0.0.5:0/123`. */
export async function isOwnClient(io: IoContext, address: string): Promise<boolean> {
  return (await findKey(io, MARK, keyOf(address))) !== undefined;
}

/** Whether nobody has the image open, mirror daemons left out. One round trip, two when somebody has; nothing is opened. */
export async function isUnused(io: IoContext, id: string): Promise<boolean> {
  const clients = await watchingClients(io, id);
  if (clients.length === 0) return true;
  const daemons = await listMirrorClients(io);
  return clients.every((client) => daemons.has(client));
}

/**
 * Addresses of those who have an image open and are neither Loligo's connections nor mirror daemons, which have it open at
 * both sites for as long as it is mirrored. A round trip for each, and one for the daemons when anybody is left.
 */
export async function strangersAmong(io: IoContext, watchers: readonly Watcher[]): Promise<readonly string[]> {
  const own = await Promise.all(watchers.map(({ address }) => isOwnClient(io, address)));
  const others = watchers.filter((_, index) => own[index] !== true);
  return (await exceptDaemons(io, others)).map(({ address }) => address);
}

/** The watchers that are no mirror daemons. One round trip when there are any. */
export async function exceptDaemons(io: IoContext, watchers: readonly Watcher[]): Promise<readonly Watcher[]> {
  if (watchers.length === 0) return [];
  const daemons = await listMirrorClients(io);
  return watchers.filter(({ client }) => !daemons.has(client));
}

function keyOf(address: string): string {
  return `ours/${address}`;
}
