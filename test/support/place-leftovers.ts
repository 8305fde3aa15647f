/** What is left of a place when all volumes in it were deleted: nothing but the objects that every place has. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestPool } from './micro-ceph.ts';

/** Objects that stay, without keys that name an image. */
const LISTS = ['rbd_directory', 'rbd_trash', 'rbd_group_directory', 'rbd_children', 'loligo.work', 'loligo.published'];
const SHARDED = /^loligo\.snapshots\.\d+$/;
const FIXED = ['rbd_info', 'rbd_namespace', 'rbd_mirroring', 'loligo.pool'];
/** Keys of these lists that name no image. */
const HARMLESS_KEYS = ['features', 'state'];

/** Objects and omap keys that should not be there, sorted; looked at with Ceph's own programs. */
export async function leftoversIn(pool: TestPool): Promise<string[]> {
  const objects = await pool.objects();
  const lists = objects.filter((name) => LISTS.includes(name) || SHARDED.test(name));
  const others = objects.filter((name) => !lists.includes(name) && !FIXED.includes(name));
  const keys = await Promise.all(lists.map((list) => keysOf(pool, list)));
  return [...others, ...keys.flat()].sort();
}

/**
 * The reaper comes behind: waits until nothing is left, and gives what still is when none went for so many seconds. What
 * is named in `foreign` belongs to somebody else.
 */
export async function leftoversAfter(pool: TestPool, seconds: number, foreign: readonly string[] = []): Promise<string[]> {
  let least = Number.POSITIVE_INFINITY;
  for (let end = Date.now() + seconds * 1000; ; await sleep(300)) {
    const left = (await leftoversIn(pool)).filter((name) => !foreign.includes(name));
    if (left.length < least) end = Date.now() + seconds * 1000;
    least = Math.min(least, left.length);
    if (left.length === 0 || Date.now() > end) return left;
  }
}

async function keysOf(pool: TestPool, object: string): Promise<string[]> {
  const keys = (await pool.rados('listomapkeys', object)).split('\n');
  return keys.filter((key) => key !== '' && !HARMLESS_KEYS.includes(key)).map((key) => `${object}: ${key}`);
}
