import koffi from 'koffi';
import { CephError, errnoOf } from '../errors.ts';
import { CALLBACKS, ENUMS, type FunctionName, LIBRADOS, LIBRBD } from './signatures.ts';

/** A C pointer; koffi hands them out as plain numbers that carry no type, so each is wrapped in a class of ours at once. */
export type Pointer = bigint;

export type Argument = bigint | number | boolean | string | null | Uint8Array | readonly Argument[];

/** What happens around each C call that may block; the agent counts and watches them, tests die in them. */
export interface CallObserver {
  begun(name: FunctionName): void;
  ended(name: FunctionName): void;
}

/** Between two looks at a call that librbd is at by itself. */
const LOOK_MS = 5;

interface NativeFunction {
  (...args: Argument[]): unknown;
  async(...args: [...Argument[], (error: unknown, result: unknown) => void]): void;
}

/**
 * The loaded libraries, and whether what they say can still be believed.
 *
 * Calls that may block run on libuv's threads (`UV_THREADPOOL_SIZE` bounds them). Once one timed out, a later
 * ENOENT, EROFS or EBUSY of the same connection may be its echo: librbd passes such errors on for calls that it
 * could not finish. So from then on every error is ETIMEDOUT: the outcome is unknown.
 */
export class Native {
  readonly #functions: ReadonlyMap<string, NativeFunction>;
  readonly #observer: CallObserver;
  #timedOut = false;

  constructor(observer: CallObserver, sonames = { rados: 'librados.so.2', rbd: 'librbd.so.1' }) {
    koffi.config({ max_async_calls: 512 });
    for (const prototype of Object.values(CALLBACKS)) koffi.proto(prototype);
    for (const name of ENUMS) koffi.alias(name, 'int');
    const rados = koffi.load(sonames.rados);
    const rbd = koffi.load(sonames.rbd);
    const functions = new Map<string, NativeFunction>();
    for (const [name, signature] of Object.entries(LIBRADOS)) functions.set(name, rados.func(signature));
    for (const [name, signature] of Object.entries(LIBRBD)) functions.set(name, rbd.func(signature));
    this.#functions = functions;
    this.#observer = observer;
  }

  /** True once a call on this connection timed out. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** Runs a call that may block. Resolves to what it returned; a negative number is thrown as CephError. */
  async call(name: FunctionName, ...args: Argument[]): Promise<bigint> {
    const native = this.#get(name);
    this.#observer.begun(name);
    try {
      const result = await new Promise<unknown>((resolve, reject) => {
        native.async(...args, (error, value) => (error === null || error === undefined ? resolve(value) : reject(error)));
      });
      return this.#check(name, result);
    } finally {
      this.#observer.ended(name);
    }
  }

  /**
   * Runs one of librbd's asynchronous calls, whose last parameter is a completion: it waits without a thread, so that
   * hundreds may be under way at once. Resolves as `call` does.
   *
   * Implements:
   *   int rbd_aio_create_completion(void *cb_arg, rbd_callback_t complete_cb, rbd_completion_t *c);
   *   int rbd_aio_is_complete(rbd_completion_t c);
   *   ssize_t rbd_aio_get_return_value(rbd_completion_t c);
   *   void rbd_aio_release(rbd_completion_t c);
   */
  async complete(name: FunctionName, ...args: Argument[]): Promise<bigint> {
    const out: (Pointer | null)[] = [null];
    this.now('rbd_aio_create_completion', null, null, out);
    const completion = out[0] ?? null;
    this.#observer.begun(name);
    try {
      this.#check(name, this.#get(name)(...args, completion));
      while (this.now('rbd_aio_is_complete', completion) === 0n) await new Promise((done) => setTimeout(done, LOOK_MS));
      return this.#check(name, this.#get('rbd_aio_get_return_value')(completion));
    } finally {
      this.#observer.ended(name);
      this.now('rbd_aio_release', completion);
    }
  }

  /** Runs a call that only touches memory, here and now. */
  now(name: FunctionName, ...args: Argument[]): bigint {
    return this.#check(name, this.#get(name)(...args));
  }

  /** For the functions that return a pointer. */
  make(name: FunctionName): Pointer {
    const made = this.#get(name)();
    if (typeof made !== 'bigint') throw new TypeError(`${name} made nothing`);
    return made;
  }

  /** Hands a function to C until disposed of. What it throws is kept and thrown by `rethrow`: C must not see it. */
  callback(type: keyof typeof CALLBACKS, body: (first: bigint, second: bigint, third: number) => number): Callback {
    return new Callback(type, body);
  }

  #check(name: FunctionName, result: unknown): bigint {
    if (result === undefined || result === null) return 0n;
    if (typeof result !== 'number' && typeof result !== 'bigint') throw new TypeError(`${name} returned a ${typeof result}`);
    if (result >= 0) return BigInt(result);
    const errno = Number(-result);
    // A notify also says so of a watcher that is silent; where it is the OSD, the next call finds out.
    if (errno === errnoOf('ETIMEDOUT') && name !== 'rados_notify2') this.#timedOut = true;
    throw new CephError(name, this.#timedOut ? errnoOf('ETIMEDOUT') : errno);
  }

  #get(name: string): NativeFunction {
    const native = this.#functions.get(name);
    if (native === undefined) throw new TypeError(`${name} is not in signatures.ts`);
    return native;
  }
}

/** A JavaScript function that C may call; returns -ECANCELED to C when it threw. */
export class Callback implements Disposable {
  readonly pointer: Pointer;
  #thrown: { readonly error: unknown } | undefined;

  constructor(type: keyof typeof CALLBACKS, body: (first: bigint, second: bigint, third: number) => number) {
    const guarded = (first: number | bigint, second: number | bigint, third: number): number => {
      try {
        return body(BigInt(first), BigInt(second), third);
      } catch (error) {
        this.#thrown = { error };
        return -errnoOf('ECANCELED');
      }
    };
    this.pointer = koffi.register(guarded, koffi.pointer(type));
  }

  rethrow(): void {
    if (this.#thrown !== undefined) throw this.#thrown.error;
  }

  [Symbol.dispose](): void {
    koffi.unregister(this.pointer);
  }
}

/** Reads `length` bytes at a C address into memory of our own. */
export function copyBytes(pointer: Pointer, length: number): Buffer {
  return length === 0 ? Buffer.alloc(0) : Buffer.from(koffi.decode(pointer, koffi.array('uint8_t', length, 'Typed')));
}

/** Reads a NUL-terminated string at a C address. */
export function copyString(pointer: Pointer): string {
  return koffi.decode(pointer, 'char', -1);
}
