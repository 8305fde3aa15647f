/**
 * A wrapped data key as it is kept: the metadata key `loligo.key` of an image, JSON. It is no secret.
 *   K1  it opens for one volume only: the volume's handle is associated data of the encryption, so a key that was copied
 *       to another image, or exchanged for another volume's, does not open;
 *   K2  it counts only beside a record of the image's own (rbd/record.ts, R1), and is written with it: what a clone
 *       inherits of its parent is replaced by the same data key, wrapped for the clone;
 *   K3  the data key never changes while the volume lives: snapshots and clones have the same LUKS header. Only its
 *       wrapping does.
 */
import { Failure } from '#lib/failure';
import { field, parseJson } from '#lib/json';

export const DATA_KEY_BYTES = 32;
const VERSION = 1;

/** What a key-encryption key made of a data key. */
export interface Wrapped {
  /** Which version of the key-encryption key it was; '' where the sealed text says so itself. */
  readonly by: string;
  readonly sealed: string;
}

export interface StoredKey extends Wrapped {
  /** The key-encryption key's name in the configuration. */
  readonly key: string;
}

export function formatStoredKey({ key, by, sealed }: StoredKey): string {
  return JSON.stringify({ v: VERSION, key, by, sealed });
}

/** Throws `precondition`; says nothing of the content. */
export function parseStoredKey(text: string): StoredKey {
  const parsed = parseJson(text);
  const version = field(parsed, 'v');
  if (typeof version === 'number' && version > VERSION) {
    throw new Failure(
      'precondition',
      'WRAPPED_KEY_NEWER',
      `the wrapped key has version ${version}, and this Loligo knows ${VERSION}`,
    );
  }
  const [key, by, sealed] = ['key', 'by', 'sealed'].map((name) => field(parsed, name));
  if (version !== VERSION || typeof key !== 'string' || typeof by !== 'string' || typeof sealed !== 'string') {
    throw new Failure('precondition', 'WRAPPED_KEY_INVALID', 'the wrapped key has not the form of one');
  }
  return { key, by, sealed };
}

/** What ties a wrapped key to its volume (K1). */
export function associatedData(handle: string): Buffer {
  return Buffer.from(`loligo volume ${handle}`);
}
