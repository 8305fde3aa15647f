/**
 * Which Ceph clients are Loligo's own: keys `ours/<address>` of a place's `loligo.pool`, one for each connection that
 * opened the place and did not leave it properly. The mark is there before anything is locked.
 *
 * A driver that was killed whole, or whose node lost power, leaves locks behind that nobody is left to fence. No node
 * has a volume through one of these clients, so such a lock may be broken, where a node's may not (change-image.ts).
 */
import { findKey, type IoContext, isErrno, WriteOperation } from '#ceph';
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

/** For a connection that leaves nothing locked. */
export async function forgetOwnClient(io: IoContext): Promise<void> {
  using operation = new WriteOperation(io);
  await operation.assertExists().removeKey(keyOf(io.cluster.addresses())).run(MARK);
}

/** `address` as a locker has it: `10.0.0.5:0/123`. */
export async function isOwnClient(io: IoContext, address: string): Promise<boolean> {
  return (await findKey(io, MARK, keyOf(address))) !== undefined;
}

/** Addresses of those who have an image open and are none of Loligo's connections. A round trip for each who has it open. */
export async function strangersAmong(io: IoContext, watchers: readonly { readonly address: string }[]): Promise<readonly string[]> {
  const addresses = watchers.map(({ address }) => address);
  const own = await Promise.all(addresses.map((address) => isOwnClient(io, address)));
  return addresses.filter((_, index) => own[index] !== true);
}

function keyOf(address: string): string {
  return `ours/${address}`;
}
