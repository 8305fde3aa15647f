/**
 * A key-encryption key in files, such as a mounted Secret: the first file's wraps, every one opens. Which one wrapped is
 * told by a digest of the key itself, so files may be renamed, and a file whose content was exchanged is noticed.
 */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Failure } from '#lib/failure';
import type { KeyEncryptionKey } from './key-encryption-key.ts';
import { readKey, seal, unseal } from './seal.ts';
import type { Wrapped } from './stored-key.ts';

export class KeyFiles implements KeyEncryptionKey {
  readonly #name: string;
  readonly #paths: readonly [string, ...string[]];

  constructor(name: string, paths: readonly [string, ...string[]]) {
    this.#name = name;
    this.#paths = paths;
  }

  async wrap(dataKey: Buffer, handle: string): Promise<Wrapped> {
    const key = await this.#read(this.#paths[0]);
    return { by: idOf(key), sealed: seal(key, dataKey, handle) };
  }

  async unwrap({ by, sealed }: Wrapped, handle: string): Promise<Buffer> {
    const keys = await Promise.all(this.#paths.map((path) => this.#read(path)));
    const key = keys.find((candidate) => idOf(candidate) === by);
    if (key !== undefined) return unseal(key, sealed, handle);
    const has = keys.map(idOf).join(', ');
    const message = `the key of ${handle} was wrapped by ${by} of ${this.#name}, which has only ${has}: put that key file back`;
    throw new Failure('precondition', 'ENCRYPTION_KEY_MISSING', message);
  }

  async #read(path: string): Promise<Buffer> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (cause) {
      throw new Failure('precondition', 'KEY_UNREADABLE', `a key file of encryption key ${this.#name} cannot be read`, { cause });
    }
    const key = readKey(text);
    if (key !== undefined) return key;
    throw new Failure('precondition', 'CONFIG_INVALID', `a key file of encryption key ${this.#name} is not 32 bytes in base64`);
  }
}

function idOf(key: Buffer): string {
  return createHmac('sha256', key).update('loligo: id of a key').digest('hex').slice(0, 16);
}
