/** Mirroring of a pool and its peers: what librbd changes of it. What it is at is read in mirror-pool.ts. */
import { splitNames } from './cluster.ts';
import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';

const UUID_ROOM = 64;

/**
 * Implements:
 *   int rbd_mirror_mode_set(rados_ioctx_t io_ctx, rbd_mirror_mode_t mirror_mode);
 */
export async function setMirrorMode(io: IoContext, mode: number): Promise<void> {
  await io.native.call('rbd_mirror_mode_set', io.pointer, mode);
}

/**
 * An option that holds for all images of the pool, as `rbd config pool set` sets it.
 *
 * Implements:
 *   int rbd_pool_metadata_get(rados_ioctx_t io_ctx, const char *key, char *value, size_t *val_len);
 */
export async function findPoolOption(io: IoContext, option: string): Promise<string | undefined> {
  const value = Buffer.alloc(256);
  const length = sizeOf(value.length);
  try {
    await io.native.call('rbd_pool_metadata_get', io.pointer, `conf_${option}`, value, length);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  return value.toString('utf8', 0, value.indexOf(0));
}

/**
 * Implements:
 *   int rbd_pool_metadata_set(rados_ioctx_t io_ctx, const char *key, const char *value);
 */
export async function setPoolOption(io: IoContext, option: string, value: string): Promise<void> {
  await io.native.call('rbd_pool_metadata_set', io.pointer, `conf_${option}`, value);
}

/**
 * Gives the peer's uuid. Throws CephError EEXIST for a site that is one already, EINVAL for this site's own name.
 *
 * Implements:
 *   int rbd_mirror_peer_site_add(rados_ioctx_t io_ctx, char *uuid, size_t uuid_max_length, rbd_mirror_peer_direction_t direction, const char *site_name, const char *client_name);
 */
export async function addPeer(io: IoContext, peer: { direction: number; siteName: string; user: string }): Promise<string> {
  const uuid = Buffer.alloc(UUID_ROOM);
  const who = [peer.siteName, `client.${peer.user}`] as const;
  await io.native.call('rbd_mirror_peer_site_add', io.pointer, uuid, uuid.length, peer.direction, ...who);
  return uuid.toString('utf8', 0, uuid.indexOf(0));
}

/**
 * Implements:
 *   int rbd_mirror_peer_site_set_name(rados_ioctx_t io_ctx, const char *uuid, const char *site_name);
 */
export async function renamePeer(io: IoContext, uuid: string, siteName: string): Promise<void> {
  await io.native.call('rbd_mirror_peer_site_set_name', io.pointer, uuid, siteName);
}

/**
 * Implements:
 *   int rbd_mirror_peer_site_set_client_name(rados_ioctx_t io_ctx, const char *uuid, const char *client_name);
 */
export async function setPeerUser(io: IoContext, uuid: string, user: string): Promise<void> {
  await io.native.call('rbd_mirror_peer_site_set_client_name', io.pointer, uuid, `client.${user}`);
}

/**
 * Implements:
 *   int rbd_mirror_peer_site_set_direction(rados_ioctx_t io_ctx, const char *uuid, rbd_mirror_peer_direction_t direction);
 */
export async function setPeerDirection(io: IoContext, uuid: string, direction: number): Promise<void> {
  await io.native.call('rbd_mirror_peer_site_set_direction', io.pointer, uuid, direction);
}

/**
 * Throws CephError ENOENT.
 *
 * Implements:
 *   int rbd_mirror_peer_site_remove(rados_ioctx_t io_ctx, const char *uuid);
 */
export async function removePeer(io: IoContext, uuid: string): Promise<void> {
  await io.native.call('rbd_mirror_peer_site_remove', io.pointer, uuid);
}

/**
 * How the daemon here connects to the peer: `mon_host` and `key`. Nothing for a peer that has none.
 *
 * Implements:
 *   int rbd_mirror_peer_site_get_attributes(rados_ioctx_t p, const char *uuid, char *keys, size_t *max_key_len, char *values, size_t *max_value_len, size_t *key_value_count);
 */
export async function peerAttributes(io: IoContext, uuid: string): Promise<ReadonlyMap<string, string>> {
  const [keys, values] = [Buffer.alloc(4096), Buffer.alloc(16 * 1024)];
  const [keyLength, valueLength, count] = [sizeOf(keys.length), sizeOf(values.length), sizeOf(16)];
  try {
    await io.native.call('rbd_mirror_peer_site_get_attributes', io.pointer, uuid, keys, keyLength, values, valueLength, count);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return new Map();
    throw error;
  }
  const texts = (bytes: Buffer, length: Buffer): string[] => splitNames(bytes.subarray(0, Number(length.readBigUInt64LE())));
  const found = texts(values, valueLength);
  return new Map(texts(keys, keyLength).map((key, index) => [key, found[index] ?? '']));
}

/**
 * Implements:
 *   int rbd_mirror_peer_site_set_attributes(rados_ioctx_t p, const char *uuid, const char *keys, const char *values, size_t key_value_count);
 */
export async function setPeerAttributes(io: IoContext, uuid: string, attributes: ReadonlyMap<string, string>): Promise<void> {
  const joined = (texts: Iterable<string>): Buffer => Buffer.from([...texts, ''].join('\0'));
  const [keys, values] = [joined(attributes.keys()), joined(attributes.values())];
  await io.native.call('rbd_mirror_peer_site_set_attributes', io.pointer, uuid, keys, values, attributes.size);
}

function sizeOf(size: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(size));
  return buffer;
}
