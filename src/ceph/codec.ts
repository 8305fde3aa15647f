/**
 * Ceph's wire encoding (src/include/encoding.h and denc.h of Ceph), as far as object classes use it: little-endian
 * integers, strings and lists behind a u32 count, and structs behind version, compat version and length.
 */

export class Encoder {
  readonly #parts: Buffer[] = [];

  u64(value: bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(value);
    this.#parts.push(part);
    return this;
  }

  u8(value: number): this {
    this.#parts.push(Buffer.from([value]));
    return this;
  }

  u32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    this.#parts.push(part);
    return this;
  }

  string(value: string | Uint8Array): this {
    const bytes = Buffer.from(value);
    this.u32(bytes.length);
    this.#parts.push(bytes);
    return this;
  }

  /** ENCODE_START(version, 1) … ENCODE_FINISH around a body. */
  struct(body: Encoder, version = 1): this {
    const bytes = body.bytes();
    this.#parts.push(Buffer.from([version, 1]));
    this.u32(bytes.length);
    this.#parts.push(bytes);
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Throws RangeError when the bytes end before what is asked for. */
export class Decoder {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  s64(): bigint {
    return this.#bytes.readBigInt64LE(this.#take(8));
  }

  string(): string {
    const length = this.u32();
    const start = this.#take(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** A bufferlist: bytes behind their count. */
  bytes(): Buffer {
    return this.rest(this.u32());
  }

  /** The next bytes, as they are. */
  rest(length: number): Buffer {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A utime_t, as milliseconds since the epoch. */
  time(): number {
    const seconds = this.u32();
    return seconds * 1000 + Math.floor(this.u32() / 1e6);
  }

  list<T>(item: (decoder: Decoder) => T): T[] {
    return Array.from({ length: this.u32() }, () => item(this));
  }

  map<T>(value: (decoder: Decoder) => T): Map<string, T> {
    return new Map(this.list((decoder) => [decoder.string(), value(decoder)] as const));
  }

  /** ENCODE_START … ENCODE_FINISH: reads what is known and skips what a newer version added behind it. */
  struct<T>(body: (decoder: Decoder) => T): T {
    this.#take(2);
    const length = this.u32();
    const end = this.#at + length;
    const value = body(this);
    this.#at = end;
    return value;
  }

  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) throw new RangeError(`${length} bytes wanted, ${this.#bytes.length - start} left`);
    this.#at += length;
    return start;
  }
}
