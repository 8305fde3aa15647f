/** A configuration of encryption keys with its files, as a mounted Secret has them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyRing } from '#keys';

export const VOLUME = 'prod/rbd/pvc-1';

export class KeyFolder implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'loligo-keys-'));
  readonly path = join(this.dir, 'keys.json');
  readonly ring = new KeyRing(this.path);

  constructor(config: unknown, keys: Readonly<Record<string, Buffer>>) {
    this.configure(config);
    for (const [name, key] of Object.entries(keys)) this.write(name, `${key.toString('base64')}\n`);
  }

  configure(config: unknown): void {
    writeFileSync(this.path, JSON.stringify(config));
  }

  write(name: string, content: string): void {
    writeFileSync(join(this.dir, name), content, { mode: 0o600 });
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
