/** AES-256-GCM of a data key, by a key-encryption key that is at hand: nonce, ciphertext and tag in base64. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Failure } from '#lib/failure';
import { associatedData, DATA_KEY_BYTES } from './stored-key.ts';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function seal(key: Buffer, dataKey: Buffer, handle: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(handle));
  return Buffer.concat([nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

/** Throws `precondition` for what was changed, or was sealed for another volume. */
export function unseal(key: Buffer, sealed: string, handle: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64');
  const end = bytes.length - TAG_BYTES;
  if (end - NONCE_BYTES !== DATA_KEY_BYTES) throw notOfThisVolume(handle);
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData(handle));
  decipher.setAuthTag(bytes.subarray(end));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()]);
  } catch {
    throw notOfThisVolume(handle);
  }
}

export function notOfThisVolume(handle: string, why = 'it was changed, or is the key of another volume'): Failure {
  return new Failure('precondition', 'WRAPPED_KEY_INVALID', `the wrapped key of ${handle} does not open: ${why}`);
}

/** 32 bytes in base64, as `openssl rand -base64 32` makes them; undefined for anything else. */
export function readKey(text: string): Buffer | undefined {
  const trimmed = text.trim();
  const key = Buffer.from(trimmed, 'base64');
  return key.length === KEY_BYTES && key.toString('base64') === trimmed ? key : undefined;
}
