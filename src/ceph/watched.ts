import { Decoder } from './codec.ts';
import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';
import { copyBytes, type Pointer } from './native/native.ts';

/** How long a watcher gets to show itself; the least that Ceph takes. */
const TIMEOUT_MS = 1000;

/**
 * Client numbers of who has the image open for writing. One round trip while nobody has, where opening it to list the
 * watchers costs thirteen. Those who watch take the empty message for a change of the header, and read it again; one
 * that says nothing counts too, and 0 stands for a silence that names nobody.
 */
export async function watchingClients(io: IoContext, id: string): Promise<readonly bigint[]> {
  return await callWatchers(io, `rbd_header.${id}`);
}

/**
 * Client numbers of the mirror daemons that serve the pool (and namespace), this site's own and those that fetch from
 * here: they alone watch `rbd_mirroring`, and only say that they are there.
 */
export async function listMirrorClients(io: IoContext): Promise<ReadonlySet<bigint>> {
  try {
    return new Set(await callWatchers(io, 'rbd_mirroring'));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return new Set();
    throw error;
  }
}

/**
 * Client numbers of those who watch an object, also of those that do not answer the empty message.
 *
 * Implements:
 *   int rados_notify2(rados_ioctx_t io, const char *o, const char *buf, int buf_len, uint64_t timeout_ms, char **reply_buffer, size_t *reply_buffer_len);
 */
async function callWatchers(io: IoContext, object: string): Promise<bigint[]> {
  const reply: (Pointer | null)[] = [null];
  const length = Buffer.alloc(8);
  const heard = (): bigint[] => (reply[0] ? readClients(copyBytes(reply[0], Number(length.readBigUInt64LE()))) : []);
  try {
    await io.native.call('rados_notify2', io.pointer, object, null, 0, TIMEOUT_MS, reply, length);
    return heard();
  } catch (error) {
    if (!isErrno(error, 'ETIMEDOUT')) throw error;
    // Some were silent; where the OSD itself was, nobody is named.
    const silent = heard();
    return silent.length > 0 ? silent : [0n];
  } finally {
    if (reply[0]) io.native.now('rados_buffer_free', reply[0]);
  }
}

/** The reply: who answered (client and watch), with what; then who did not. */
function readClients(reply: Buffer): bigint[] {
  const decoder = new Decoder(reply);
  const who = (): bigint => {
    const client = decoder.u64();
    decoder.u64();
    return client;
  };
  const answered = decoder.list(() => {
    const client = who();
    decoder.bytes();
    return client;
  });
  return [...answered, ...decoder.list(who)];
}
