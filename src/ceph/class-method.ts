/** Methods of the OSD's object classes, which read an object where it lies: one round trip, and nothing is opened. */
import { Decoder, type Encoder } from './codec.ts';
import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';
import { ReadOperation } from './operation.ts';

interface Question {
  /** Of the class `rbd`. */
  readonly method: string;
  readonly input?: Encoder;
  /** Bytes that the answer may have; 256 when left out. */
  readonly room?: number;
}

/** The answer of one method; undefined when there is no such object, or the method finds nothing in it. */
export async function findAnswer(io: IoContext, object: string, { method, input, room }: Question): Promise<Decoder | undefined> {
  using operation = new ReadOperation(io);
  const answer = operation.exec('rbd', method, input?.bytes() ?? Buffer.alloc(0), room);
  try {
    await operation.run(object);
    return new Decoder(answer());
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** How often an answer is asked for with sixteen times the room of before. */
const ENLARGED = 2;

/** Asks again while an answer does not fit (CephError ERANGE); `ask` is told how many times the usual room to take. */
export async function withRoom<T>(ask: (times: number) => Promise<T>): Promise<T> {
  for (let tried = 0; ; tried += 1) {
    try {
      return await ask(16 ** tried);
    } catch (error) {
      if (!isErrno(error, 'ERANGE') || tried >= ENLARGED) throw error;
    }
  }
}

/**
 * One of many answers of an operation that ran; undefined for a method whose feature the image has not, or that the OSD does
 * not know.
 */
export function optional(answer: () => Buffer): Decoder | undefined {
  try {
    return new Decoder(answer());
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EINVAL', 'ENOEXEC', 'EOPNOTSUPP')) return undefined;
    throw error;
  }
}
