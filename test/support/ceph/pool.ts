/** A pool, or a RADOS namespace in one, that a test has for itself and that is gone afterwards with all it holds. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MicroCeph } from '../micro-ceph.ts';

/** Arguments that one command line surely holds. */
const BATCH = 200;

export class TestPool implements AsyncDisposable {
  readonly ceph: MicroCeph;
  readonly name: string;
  /** '' is the default namespace. */
  readonly namespace: string;

  constructor(ceph: MicroCeph, name: string, namespace = '') {
    this.ceph = ceph;
    this.name = name;
    this.namespace = namespace;
  }

  /** `pool` or `pool/namespace`, as `rbd` takes it before `/image`. */
  get spec(): string {
    return this.namespace === '' ? this.name : `${this.name}/${this.namespace}`;
  }

  /** Where the engine looks: `src/lib/handle.ts`'s Place. */
  get place(): { readonly pool: string; readonly namespace: string } {
    return { pool: this.name, namespace: this.namespace };
  }

  /** `rbd <args>` with this pool (and namespace) as the default one. */
  rbd(...args: readonly string[]): Promise<string> {
    return this.ceph.rbd('--pool', this.name, ...this.#inNamespace('--namespace'), ...args);
  }

  async rbdJson(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.rbd('--format', 'json', ...args));
  }

  /** The sha256 of all that an image, or a snapshot of one, reads, as if so many zero bytes followed. */
  async checksum(image: string, zeros = 0): Promise<string> {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'loligo-export-'));
    const exported = join(folder.path, 'image');
    await this.rbd('export', '--no-progress', image, exported);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(exported)) hash.update(chunk);
    return hash.update(Buffer.alloc(zeros)).digest('hex');
  }

  rados(...args: readonly string[]): Promise<string> {
    return this.ceph.rados('--pool', this.name, ...this.#inNamespace('--namespace'), ...args);
  }

  /** Names of the images, in `rbd ls` order. */
  async images(): Promise<string[]> {
    return lines(await this.rbd('ls'));
  }

  /** Names of all RADOS objects, sorted: what is left behind shows here first. */
  async objects(): Promise<string[]> {
    return lines(await this.rados('ls')).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.namespace === '') {
      await this.ceph.ceph('osd', 'pool', 'rm', this.name, this.name, '--yes-i-really-really-mean-it');
      return;
    }
    // Object by object: `rbd rm` in the right order of clones, snapshots and trash would be a program of its own.
    const objects = await this.objects();
    for (let at = 0; at < objects.length; at += BATCH) {
      await this.rados('rm', '--force-full', ...objects.slice(at, at + BATCH));
    }
    await this.ceph.rbd('namespace', 'remove', '--pool', this.name, '--namespace', this.namespace);
  }

  #inNamespace(flag: string): string[] {
    return this.namespace === '' ? [] : [flag, this.namespace];
  }
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
