/** What is in an image, as Ceph and the file system's own programs see it: nothing of ours is involved. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runProgram, type TestPool } from '../micro-ceph.ts';

/** SHA-256 of a file of the ext4 in an image that nobody has mounted. */
export async function checksumInImage(pool: TestPool, image: string, path: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'loligo-export-'));
  try {
    const [whole, file] = [join(dir, 'image'), join(dir, 'file')];
    await pool.rbd('export', '--no-progress', image, whole);
    await runProgram('debugfs', ['-R', `dump ${path} ${file}`, whole]);
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    return hash.digest('hex');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
