import { Failure } from '#lib/failure';
import { type KeyEntry, readKeyConfig } from './key-config.ts';
import type { KeyEncryptionKey } from './key-encryption-key.ts';
import { KeyFiles } from './key-files.ts';
import { formatStoredKey, parseStoredKey } from './stored-key.ts';
import { VaultClient } from './vault-client.ts';
import { VaultKv, VaultTransit } from './vault-keys.ts';

/** The key-encryption keys that a role has. Data keys go in and out; nothing of them is kept. */
export class KeyRing {
  readonly #path: string;
  /** One client for each server and identity, for the token that it has. */
  readonly #clients = new Map<string, VaultClient>();

  /** `path` '' is a role without keys. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Wraps a data key for the volume of that handle; `name` '' takes the only key-encryption key there is. */
  async wrap(name: string, dataKey: Buffer, handle: string): Promise<string> {
    const entries = await this.#entries();
    const chosen = name === '' ? onlyOne(entries) : name;
    return formatStoredKey({ key: chosen, ...(await this.#get(entries, chosen).wrap(dataKey, handle)) });
  }

  /** Throws `precondition` for a key that is not here, or not of this volume. */
  async unwrap(stored: string, handle: string): Promise<Buffer> {
    const wrapped = parseStoredKey(stored);
    return await this.#get(await this.#entries(), wrapped.key).unwrap(wrapped, handle);
  }

  /** The same data key, wrapped by the newest version of the key-encryption key that wrapped it. */
  async rewrap(stored: string, handle: string): Promise<string> {
    const dataKey = await this.unwrap(stored, handle);
    try {
      return await this.wrap(parseStoredKey(stored).key, dataKey, handle);
    } finally {
      dataKey.fill(0);
    }
  }

  async #entries(): Promise<ReadonlyMap<string, KeyEntry>> {
    return this.#path === '' ? new Map() : await readKeyConfig(this.#path);
  }

  #get(entries: ReadonlyMap<string, KeyEntry>, name: string): KeyEncryptionKey {
    const entry = entries.get(name);
    if (entry === undefined) {
      throw new Failure('precondition', 'ENCRYPTION_KEY_UNKNOWN', `encryption key ${name} is not configured here`);
    }
    if (entry.from === 'files') return new KeyFiles(name, entry.keyFiles);
    const client = this.#client(entry);
    return entry.from === 'vault-kv' ? new VaultKv(client, entry.place) : new VaultTransit(client, entry.place);
  }

  #client({ server }: Exclude<KeyEntry, { from: 'files' }>): VaultClient {
    const identity = JSON.stringify(server);
    const client = this.#clients.get(identity) ?? new VaultClient(server);
    this.#clients.set(identity, client);
    return client;
  }
}

function onlyOne(entries: ReadonlyMap<string, KeyEntry>): string {
  const [only, ...others] = entries.keys();
  if (only !== undefined && others.length === 0) return only;
  const what =
    only === undefined ? 'no encryption key is configured here' : 'the class names none of the configured encryption keys';
  throw new Failure('precondition', 'ENCRYPTION_KEY_UNKNOWN', what);
}
