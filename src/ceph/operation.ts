/**
 * Compound operations: several reads, or several writes, of one object in one round trip. The writes of one
 * operation are applied together or not at all.
 */
import { taken } from './cluster.ts';
import { CephError, isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';
import { copyBytes, type Native, type Pointer } from './native/native.ts';

const FAILOK = 0x2;
const CREATE_IDEMPOTENT = 0;
const CREATE_EXCLUSIVE = 1;
const COMPARE_EQUAL = 1;

/** Offsets in the memory that C writes the outcome of one step to. */
const RESULT = 0;
const USED = 8;
const DATA = 16;

/**
 * Reads of one object. Each step answers when the whole ran; a step may fail without failing the others.
 *
 * Implements:
 *   rados_read_op_t rados_create_read_op(void);
 *   void rados_release_read_op(rados_read_op_t read_op);
 *   void rados_read_op_set_flags(rados_read_op_t read_op, int flags);
 *   void rados_read_op_exec_user_buf(rados_read_op_t read_op, const char *cls, const char *method, const char *in_buf, size_t in_len, char *out_buf, size_t out_len, size_t *used_len, int *prval);
 *   void rados_read_op_read(rados_read_op_t read_op, uint64_t offset, size_t len, char *buffer, size_t *bytes_read, int *prval);
 *   int rados_read_op_operate(rados_read_op_t read_op, rados_ioctx_t io, const char *oid, int flags);
 */
export class ReadOperation implements Disposable {
  readonly #io: IoContext;
  readonly #pointer: Pointer;
  readonly #kept: Buffer[] = [];

  constructor(io: IoContext) {
    this.#io = io;
    this.#pointer = io.native.make('rados_create_read_op');
  }

  /** Runs a method of an object class. The returned function gives its answer, or throws its CephError, after `run`. */
  exec(cls: string, method: string, input: Buffer, room = 256): () => Buffer {
    const native = this.#io.native;
    const answer = this.#keep(Buffer.alloc(DATA + room));
    const out = answer.subarray(DATA);
    this.#keep(input);
    native.now(
      'rados_read_op_exec_user_buf',
      this.#pointer,
      cls,
      method,
      input,
      input.length,
      out,
      room,
      answer.subarray(USED),
      answer.subarray(RESULT),
    );
    native.now('rados_read_op_set_flags', this.#pointer, FAILOK);
    return () => readAnswer(answer, `${cls}.${method}`);
  }

  read(room: number): () => Buffer {
    const answer = this.#keep(Buffer.alloc(DATA + room));
    const out = answer.subarray(DATA);
    this.#io.native.now('rados_read_op_read', this.#pointer, 0, room, out, answer.subarray(USED), answer.subarray(RESULT));
    return () => readAnswer(answer, 'read');
  }

  /** One round trip. Throws CephError: ENOENT when there is no such object. */
  async run(object: string): Promise<void> {
    await this.#io.native.call('rados_read_op_operate', this.#pointer, this.#io.pointer, object, 0);
  }

  [Symbol.dispose](): void {
    this.#io.native.now('rados_release_read_op', this.#pointer);
  }

  /** C holds the address of this memory until the operation ran, so it must stay reachable. */
  #keep(memory: Buffer): Buffer {
    this.#kept.push(memory);
    return memory;
  }
}

function readAnswer(answer: Buffer, step: string): Buffer {
  const result = answer.readInt32LE(RESULT);
  if (result < 0) throw new CephError(step, -result);
  return answer.subarray(DATA, DATA + Number(answer.readBigUInt64LE(USED)));
}

/**
 * Writes to one object, applied together.
 *
 * Implements:
 *   rados_write_op_t rados_create_write_op(void);
 *   void rados_release_write_op(rados_write_op_t write_op);
 *   void rados_write_op_create(rados_write_op_t write_op, int exclusive, const char *category);
 *   void rados_write_op_assert_exists(rados_write_op_t write_op);
 *   void rados_write_op_write_full(rados_write_op_t write_op, const char *buffer, size_t len);
 *   void rados_write_op_cmpext(rados_write_op_t write_op, const char *cmp_buf, size_t cmp_len, uint64_t off, int *prval);
 *   void rados_write_op_remove(rados_write_op_t write_op);
 *   void rados_write_op_exec(rados_write_op_t write_op, const char *cls, const char *method, const char *in_buf, size_t in_len, int *prval);
 *   void rados_write_op_omap_cmp2(rados_write_op_t write_op, const char *key, uint8_t comparison_operator, const char *val, size_t key_len, size_t val_len, int *prval);
 *   void rados_write_op_omap_set2(rados_write_op_t write_op, char const *const *keys, char const *const *vals, const size_t *key_lens, const size_t *val_lens, size_t num);
 *   void rados_write_op_omap_rm_keys2(rados_write_op_t write_op, char const *const *keys, const size_t *key_lens, size_t keys_len);
 *   int rados_write_op_operate2(rados_write_op_t write_op, rados_ioctx_t io, const char *oid, struct timespec *mtime, int flags);
 */
export class WriteOperation implements Disposable {
  readonly #io: IoContext;
  readonly #pointer: Pointer;

  constructor(io: IoContext) {
    this.#io = io;
    this.#pointer = io.native.make('rados_create_write_op');
  }

  /** Makes the object, or leaves it as it is. */
  create(): this {
    this.#io.native.now('rados_write_op_create', this.#pointer, CREATE_IDEMPOTENT, null);
    return this;
  }

  /** Fails the whole with EEXIST when the object is there. */
  createExclusive(): this {
    this.#io.native.now('rados_write_op_create', this.#pointer, CREATE_EXCLUSIVE, null);
    return this;
  }

  /** Fails the whole with ENOENT when the object is not there. */
  assertExists(): this {
    this.#io.native.now('rados_write_op_assert_exists', this.#pointer);
    return this;
  }

  writeFull(data: Buffer): this {
    this.#io.native.now('rados_write_op_write_full', this.#pointer, data, data.length);
    return this;
  }

  /** Fails the whole, as `isMismatch` tells, unless the object begins with these bytes. */
  compareContent(bytes: Buffer): this {
    this.#io.native.now('rados_write_op_cmpext', this.#pointer, bytes, bytes.length, 0, null);
    return this;
  }

  remove(): this {
    this.#io.native.now('rados_write_op_remove', this.#pointer);
    return this;
  }

  exec(cls: string, method: string, input: Buffer): this {
    this.#io.native.now('rados_write_op_exec', this.#pointer, cls, method, input, input.length, null);
    return this;
  }

  /** Fails the whole with ECANCELED unless the key has this value; '' also stands for a key that is not there. */
  compareKey(key: string, value: string | Uint8Array): this {
    const bytes = Buffer.from(value);
    const keyLength = Buffer.byteLength(key);
    this.#io.native.now('rados_write_op_omap_cmp2', this.#pointer, key, COMPARE_EQUAL, bytes, keyLength, bytes.length, null);
    return this;
  }

  setKey(key: string, value: string): this {
    const lengths = [[Buffer.byteLength(key)], [Buffer.byteLength(value)]] as const;
    this.#io.native.now('rados_write_op_omap_set2', this.#pointer, [key], [value], lengths[0], lengths[1], 1);
    return this;
  }

  removeKey(key: string): this {
    this.#io.native.now('rados_write_op_omap_rm_keys2', this.#pointer, [key], [Buffer.byteLength(key)], 1);
    return this;
  }

  /** One round trip. Throws CephError; when it throws, nothing was applied, or (ETIMEDOUT) that is not known. */
  async run(object: string): Promise<void> {
    await this.#io.native.call('rados_write_op_operate2', this.#pointer, this.#io.pointer, object, null, 0);
  }

  [Symbol.dispose](): void {
    this.#io.native.now('rados_release_write_op', this.#pointer);
  }
}

/** Pairs of an object's omap in key order, at most `max` of them behind `after`; none when there is no such object. */
export async function listKeys(io: IoContext, object: string, after: string, max: number): Promise<Map<string, string>> {
  return await readOmap(io, object, (operation) => {
    const iterator: (Pointer | null)[] = [null];
    io.native.now('rados_read_op_omap_get_vals2', operation, after, '', max, iterator, null, null);
    return iterator;
  });
}

export async function findKey(io: IoContext, object: string, key: string): Promise<string | undefined> {
  const found = await readOmap(io, object, (operation) => {
    const iterator: (Pointer | null)[] = [null];
    const lengths = [Buffer.byteLength(key)];
    io.native.now('rados_read_op_omap_get_vals_by_keys2', operation, [key], 1, lengths, iterator, null);
    return iterator;
  });
  return found.get(key);
}

/**
 * Implements:
 *   void rados_read_op_omap_get_vals2(rados_read_op_t read_op, const char *start_after, const char *filter_prefix, uint64_t max_return, rados_omap_iter_t *iter, unsigned char *pmore, int *prval);
 *   void rados_read_op_omap_get_vals_by_keys2(rados_read_op_t read_op, char const *const *keys, size_t num_keys, const size_t *key_lens, rados_omap_iter_t *iter, int *prval);
 */
async function readOmap(
  io: IoContext,
  object: string,
  addStep: (operation: Pointer) => (Pointer | null)[],
): Promise<Map<string, string>> {
  const { native } = io;
  const operation = native.make('rados_create_read_op');
  const iterator = taken(addStep(operation));
  try {
    await native.call('rados_read_op_operate', operation, io.pointer, object, 0);
    return readPairs(native, iterator);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return new Map();
    throw error;
  } finally {
    native.now('rados_omap_get_end', iterator);
    native.now('rados_release_read_op', operation);
  }
}

/**
 * Implements:
 *   int rados_omap_get_next2(rados_omap_iter_t iter, char **key, char **val, size_t *key_len, size_t *val_len);
 *   void rados_omap_get_end(rados_omap_iter_t iter);
 */
function readPairs(native: Native, iterator: Pointer): Map<string, string> {
  const pairs = new Map<string, string>();
  const lengths = Buffer.alloc(16);
  for (;;) {
    const key: (Pointer | null)[] = [null];
    const value: (Pointer | null)[] = [null];
    native.now('rados_omap_get_next2', iterator, key, value, lengths, lengths.subarray(8));
    if (!key[0]) return pairs;
    const name = copyBytes(key[0], Number(lengths.readBigUInt64LE(0))).toString();
    const size = Number(lengths.readBigUInt64LE(8));
    pairs.set(name, value[0] ? copyBytes(value[0], size).toString() : '');
  }
}
