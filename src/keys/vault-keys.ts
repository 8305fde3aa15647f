/** Key-encryption keys in Vault: one that it hands out (KV version 2), and one that never leaves it (transit). */
import { Failure } from '#lib/failure';
import { field } from '#lib/json';
import type { KeyEncryptionKey } from './key-encryption-key.ts';
import { notOfThisVolume, readKey, seal, unseal } from './seal.ts';
import { associatedData, DATA_KEY_BYTES, type Wrapped } from './stored-key.ts';
import type { Answer, VaultClient } from './vault-client.ts';

/** Where a secret or a key lies in Vault. */
export interface VaultPlace {
  readonly mount: string;
  readonly path: string;
}

/** The field `key` of a secret of KV version 2: the newest version wraps, the one that wrapped opens. */
export class VaultKv implements KeyEncryptionKey {
  readonly #vault: VaultClient;
  readonly #place: VaultPlace;

  constructor(vault: VaultClient, place: VaultPlace) {
    this.#vault = vault;
    this.#place = place;
  }

  async wrap(dataKey: Buffer, handle: string): Promise<Wrapped> {
    const { key, version } = await this.#read('');
    return { by: version, sealed: seal(key, dataKey, handle) };
  }

  async unwrap({ by, sealed }: Wrapped, handle: string): Promise<Buffer> {
    if (!/^[1-9]\d{0,9}$/.test(by)) throw notOfThisVolume(handle, 'it was wrapped by another kind of key');
    const { key } = await this.#read(by);
    return unseal(key, sealed, handle);
  }

  async #read(version: string): Promise<{ readonly key: Buffer; readonly version: string }> {
    const { mount, path } = this.#place;
    const secret = `${mount}/${path}${version === '' ? '' : ` version ${version}`}`;
    const query = version === '' ? '' : `?version=${version}`;
    const answer = await this.#vault.ask({ method: 'GET', path: `${mount}/data/${path}${query}` });
    if (answer.status !== 200) throw missing(`Vault has no secret ${secret}`, answer);
    const text = field(field(answer.data, 'data'), 'key');
    const key = typeof text === 'string' ? readKey(text) : undefined;
    if (key === undefined) throw missing(`the field "key" of Vault's secret ${secret} is not 32 bytes in base64`, answer);
    return { key, version: String(field(field(answer.data, 'metadata'), 'version')) };
  }
}

/** A key of the transit engine: Vault wraps and opens, and notes each time in its audit log. */
export class VaultTransit implements KeyEncryptionKey {
  readonly #vault: VaultClient;
  readonly #place: VaultPlace;

  constructor(vault: VaultClient, place: VaultPlace) {
    this.#vault = vault;
    this.#place = place;
  }

  async wrap(dataKey: Buffer, handle: string): Promise<Wrapped> {
    const { mount, path } = this.#place;
    const body = { plaintext: dataKey.toString('base64'), associated_data: associatedData(handle).toString('base64') };
    const answer = await this.#vault.ask({ method: 'POST', path: `${mount}/encrypt/${path}`, body });
    const sealed = field(answer.data, 'ciphertext');
    if (answer.status !== 200 || typeof sealed !== 'string') throw missing(`Vault's key ${mount}/${path} cannot wrap`, answer);
    return { by: '', sealed };
  }

  async unwrap({ sealed }: Wrapped, handle: string): Promise<Buffer> {
    const { mount, path } = this.#place;
    const body = { ciphertext: sealed, associated_data: associatedData(handle).toString('base64') };
    const answer = await this.#vault.ask({ method: 'POST', path: `${mount}/decrypt/${path}`, body });
    if (answer.status === 404) throw missing(`Vault has no key ${mount}/${path}`, answer);
    const text = field(answer.data, 'plaintext');
    const dataKey = typeof text === 'string' ? Buffer.from(text, 'base64') : undefined;
    if (answer.status !== 200 || dataKey?.length !== DATA_KEY_BYTES) throw notOfThisVolume(handle, `Vault says: ${answer.said}`);
    return dataKey;
  }
}

function missing(what: string, { said }: Answer): Failure {
  return new Failure('precondition', 'ENCRYPTION_KEY_MISSING', said === '' ? what : `${what}: ${said}`);
}
