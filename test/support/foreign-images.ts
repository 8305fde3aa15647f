/** What a person keeps in a pool beside ours: made with Ceph's own programs, and looked at with them. */
import assert from 'node:assert/strict';
import type { TestPool } from './micro-ceph.ts';
import { leftoversIn } from './place-leftovers.ts';

/** An image of that name, with data. */
export async function makeImage(pool: TestPool, name: string): Promise<void> {
  await pool.rbd('create', name, '--size', '64M');
  await pool.rbd('bench', '--io-type', 'write', '--io-total', '2M', name);
}

export async function makeImageWithSnapshot(pool: TestPool, name: string): Promise<void> {
  await makeImage(pool, name);
  await pool.rbd('snap', 'create', `${name}@kept`);
}

/** The images (data, snapshots, metadata) and the trash, as Ceph's own programs show them. */
export async function seenIn(pool: TestPool, names: readonly string[]): Promise<{ images: unknown; trash: unknown }> {
  const images: unknown[] = [];
  for (const name of names) {
    const data = await pool.checksum(name);
    const { id, size, features, snapshot_count: count } = Object(await pool.rbdJson('info', name));
    images.push({ name, data, id, size, features, count, snapshots: await pool.rbdJson('snap', 'ls', '--all', name) });
  }
  return { images, trash: await pool.rbdJson('trash', 'ls', '--all') };
}

/** An image with a snapshot, and an entry in the trash, in a place where a test lets our driver fail. */
export class ForeignImages {
  /** Of the image that is not in the trash. */
  static readonly image = 'a-persons';
  /** Objects and keys in the place that are theirs, as `leftoversIn` gives them. */
  readonly leftovers: readonly string[];
  readonly #pool: TestPool;
  readonly #before: { readonly images: unknown; readonly trash: unknown };

  private constructor(pool: TestPool, leftovers: readonly string[], before: { images: unknown; trash: unknown }) {
    this.#pool = pool;
    this.leftovers = leftovers;
    this.#before = before;
  }

  /** Into a place where nothing lies yet. */
  static async layIn(pool: TestPool): Promise<ForeignImages> {
    assert.deepEqual(await leftoversIn(pool), []);
    await makeImageWithSnapshot(pool, ForeignImages.image);
    await makeImage(pool, 'thrown-away');
    await pool.rbd('trash', 'mv', 'thrown-away');
    return new ForeignImages(pool, await leftoversIn(pool), await seenIn(pool, [ForeignImages.image]));
  }

  /** Throws when anything of it is not as it was. */
  async check(): Promise<void> {
    const left = await leftoversIn(this.#pool);
    assert.deepEqual(
      this.leftovers.filter((name) => !left.includes(name)),
      [],
    );
    const { images, trash } = await seenIn(this.#pool, [ForeignImages.image]);
    assert.deepEqual(images, this.#before.images);
    // Ours come and go beside them.
    for (const entry of this.#before.trash as readonly object[]) assert.ok(includes(trash, entry), JSON.stringify(trash));
  }
}

function includes(trash: unknown, entry: object): boolean {
  return Array.isArray(trash) && trash.some((found) => JSON.stringify(found) === JSON.stringify(entry));
}
