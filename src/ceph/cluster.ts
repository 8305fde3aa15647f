import { MadeOnce } from '#lib/made-once';
import { isErrno } from './errors.ts';
import { IoContext } from './io-context.ts';
import { copyBytes, copyString, type Native, type Pointer } from './native/native.ts';

export interface ClusterSettings {
  readonly monitors: readonly string[];
  /** Without `client.`. */
  readonly user: string;
  readonly key: string;
  /** Further options of Ceph, by name. */
  readonly options: Readonly<Record<string, string>>;
}

/** One connection to one Ceph cluster as one user. */
export class Cluster {
  readonly native: Native;
  readonly #pointer: Pointer;
  readonly #contexts = new MadeOnce<IoContext>();

  constructor(native: Native, pointer: Pointer) {
    this.native = native;
    this.#pointer = pointer;
  }

  /**
   * Implements:
   *   int rados_cluster_fsid(rados_t cluster, char *buf, size_t len);
   */
  async fsid(): Promise<string> {
    const buffer = Buffer.alloc(64);
    const length = await this.native.call('rados_cluster_fsid', this.#pointer, buffer, buffer.length);
    return buffer.toString('utf8', 0, Number(length));
  }

  /**
   * The address that this connection is known by, in the form that a blocklist takes.
   *
   * Implements:
   *   int rados_getaddrs(rados_t cluster, char **addrs);
   *   void rados_buffer_free(char *buf);
   */
  addresses(): string {
    const out: (Pointer | null)[] = [null];
    this.native.now('rados_getaddrs', this.#pointer, out);
    return this.#takeString(out);
  }

  /**
   * Cuts a client off: nothing that it has in flight lands once this returned and `waitForLatestMap` did.
   *
   * Implements:
   *   int rados_blocklist_add(rados_t cluster, char *client_address, uint32_t expire_seconds);
   */
  async blocklist(address: string, seconds: number): Promise<void> {
    await this.native.call('rados_blocklist_add', this.#pointer, address, seconds);
  }

  /** The addresses of single clients that are cut off now, as the monitors have them. */
  async blocklisted(): Promise<Set<string>> {
    const listed = await this.monCommand({ prefix: 'osd blocklist ls' });
    // No JSON text: two arrays one behind the other since 16.2.11, the second with ranges of addresses.
    return new Set(Array.from(listed.matchAll(/"addr":\s*"([^"]+)"/g), ([, address = '']) => address));
  }

  /**
   * Implements:
   *   int rados_wait_for_latest_osdmap(rados_t cluster);
   */
  async waitForLatestMap(): Promise<void> {
    await this.native.call('rados_wait_for_latest_osdmap', this.#pointer);
  }

  /**
   * Sends a command to the monitors and gives its output as text.
   *
   * Implements:
   *   int rados_mon_command(rados_t cluster, const char **cmd, size_t cmdlen, const char *inbuf, size_t inbuflen, char **outbuf, size_t *outbuflen, char **outs, size_t *outslen);
   */
  async monCommand(command: Readonly<Record<string, unknown>>): Promise<string> {
    const [output, status]: [(Pointer | null)[], (Pointer | null)[]] = [[null], [null]];
    const [outputLength, statusLength] = [Buffer.alloc(8), Buffer.alloc(8)];
    const text = JSON.stringify({ ...command, format: 'json' });
    try {
      const args = [this.#pointer, [text], 1, '', 0, output, outputLength, status, statusLength] as const;
      await this.native.call('rados_mon_command', ...args);
      return output[0] ? copyBytes(output[0], Number(outputLength.readBigUInt64LE())).toString() : '';
    } finally {
      for (const [pointer] of [output, status]) if (pointer) this.native.now('rados_buffer_free', pointer);
    }
  }

  /**
   * By which name this cluster mirrors; Ceph's default is the fsid.
   *
   * Implements:
   *   int rbd_mirror_site_name_get(rados_t cluster, char *name, size_t *max_len);
   */
  async mirrorSiteName(): Promise<string> {
    const name = Buffer.alloc(512);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(name.length));
    await this.native.call('rbd_mirror_site_name_get', this.#pointer, name, length);
    return name.toString('utf8', 0, name.indexOf(0));
  }

  /**
   * Implements:
   *   int rbd_mirror_site_name_set(rados_t cluster, const char *name);
   */
  async setMirrorSiteName(name: string): Promise<void> {
    await this.native.call('rbd_mirror_site_name_set', this.#pointer, name);
  }

  /**
   * Names of all pools.
   *
   * Implements:
   *   int rados_pool_list(rados_t cluster, char *buf, size_t len);
   */
  async pools(): Promise<string[]> {
    for (let room = 4096; ; ) {
      const buffer = Buffer.alloc(room);
      const needed = Number(await this.native.call('rados_pool_list', this.#pointer, buffer, room));
      if (needed <= room) return splitNames(buffer.subarray(0, needed));
      room = needed;
    }
  }

  /**
   * Implements:
   *   int rados_pool_reverse_lookup(rados_t cluster, int64_t id, char *buf, size_t maxlen);
   */
  async poolName(id: bigint): Promise<string> {
    const buffer = Buffer.alloc(512);
    const length = await this.native.call('rados_pool_reverse_lookup', this.#pointer, id, buffer, buffer.length);
    return buffer.toString('utf8', 0, Number(length));
  }

  /** False once the pool was deleted: one of its name that was made since is another. No round trip while it is there. */
  async hasPool(id: bigint): Promise<boolean> {
    try {
      await this.poolName(id);
      return true;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** The I/O context of a place, made once for each pool. Throws CephError ENOENT when there is no such pool. */
  async open(pool: string, namespace: string): Promise<IoContext> {
    const key = `${pool}/${namespace}`;
    const known = await this.#contexts.find(key);
    if (known !== undefined && !(await this.hasPool(known.poolId))) this.#contexts.forget(key);
    return await this.#contexts.ensure(key, () => this.#openContext(pool, namespace));
  }

  /**
   * Full-try makes a write to a full pool fail at once; without it librados holds the write back until there is room.
   *
   * Implements:
   *   int rados_ioctx_create(rados_t cluster, const char *pool_name, rados_ioctx_t *ioctx);
   *   void rados_ioctx_set_namespace(rados_ioctx_t io, const char *nspace);
   *   void rados_set_pool_full_try(rados_ioctx_t io);
   *   int64_t rados_ioctx_get_id(rados_ioctx_t io);
   */
  async #openContext(pool: string, namespace: string): Promise<IoContext> {
    const out: (Pointer | null)[] = [null];
    await this.native.call('rados_ioctx_create', this.#pointer, pool, out);
    const pointer = taken(out);
    this.native.now('rados_ioctx_set_namespace', pointer, namespace);
    this.native.now('rados_set_pool_full_try', pointer);
    const poolId = this.native.now('rados_ioctx_get_id', pointer);
    return new IoContext(this, pointer, { poolId, pool, namespace });
  }

  #takeString(out: (Pointer | null)[]): string {
    const pointer = taken(out);
    const text = copyString(pointer);
    this.native.now('rados_buffer_free', pointer);
    return text;
  }

  /**
   * Waits for what is in flight; blocks while the cluster is away, until its time-outs end it.
   *
   * Implements:
   *   void rados_ioctx_destroy(rados_ioctx_t io);
   *   void rados_shutdown(rados_t cluster);
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const contexts = await Promise.allSettled(this.#contexts.entries().map(([, context]) => context));
    for (const context of contexts) {
      if (context.status === 'fulfilled') this.native.now('rados_ioctx_destroy', context.value.pointer);
    }
    await this.native.call('rados_shutdown', this.#pointer);
  }
}

/**
 * Connects. No configuration file is read, so that what a machine has in /etc/ceph changes nothing. Throws CephError:
 * ETIMEDOUT when no monitor answered, EACCES or EPERM when the key is wrong.
 *
 * Implements:
 *   int rados_create2(rados_t *pcluster, const char *const clustername, const char * const name, uint64_t flags);
 *   int rados_conf_set(rados_t cluster, const char *option, const char *value);
 *   int rados_connect(rados_t cluster);
 */
export async function connect(native: Native, settings: ClusterSettings): Promise<Cluster> {
  const out: (Pointer | null)[] = [null];
  native.now('rados_create2', out, 'ceph', `client.${settings.user}`, 0);
  const pointer = taken(out);
  const options = { ...settings.options, mon_host: settings.monitors.join(','), key: settings.key };
  for (const [name, value] of Object.entries(options)) native.now('rados_conf_set', pointer, name, value);
  try {
    await native.call('rados_connect', pointer);
  } catch (error) {
    await native.call('rados_shutdown', pointer);
    throw error;
  }
  return new Cluster(native, pointer);
}

export function taken(out: readonly (Pointer | null)[]): Pointer {
  const [pointer] = out;
  if (!pointer) throw new TypeError('C gave no pointer');
  return pointer;
}

/** Splits NUL-terminated names that lie one behind the other. */
export function splitNames(bytes: Buffer): string[] {
  return bytes
    .toString('utf8')
    .split('\0')
    .filter((name) => name !== '');
}
