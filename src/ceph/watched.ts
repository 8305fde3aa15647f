import { Decoder } from './codec.ts';
import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';
import { copyBytes, type Pointer } from './native/native.ts';

/** How long a watcher gets to show itself; the least that Ceph takes. */
const TIMEOUT_MS = 1000;

/**
 * Whether anybody has the image open for writing. One round trip while nobody has, where opening it to list the
 * watchers costs thirteen. Those who watch take the empty message for a change of the header, and read it again; one
 * that says nothing counts too.
 *
 * Implements:
 *   int rados_notify2(rados_ioctx_t io, const char *o, const char *buf, int buf_len, uint64_t timeout_ms, char **reply_buffer, size_t *reply_buffer_len);
 */
export async function isWatched(io: IoContext, id: string): Promise<boolean> {
  const reply: (Pointer | null)[] = [null];
  const length = Buffer.alloc(8);
  try {
    await io.native.call('rados_notify2', io.pointer, `rbd_header.${id}`, null, 0, TIMEOUT_MS, reply, length);
    return reply[0] ? hasNames(copyBytes(reply[0], Number(length.readBigUInt64LE()))) : false;
  } catch (error) {
    if (isErrno(error, 'ETIMEDOUT')) return true;
    throw error;
  } finally {
    if (reply[0]) io.native.now('rados_buffer_free', reply[0]);
  }
}

/** The reply: who answered, with what; then who did not. */
function hasNames(reply: Buffer): boolean {
  const decoder = new Decoder(reply);
  return decoder.u32() > 0 || decoder.u32() > 0;
}
