/** Images whose every object says which write it holds, so that a mixture of two states shows. */
import { mkdtempDisposable, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram, type TestPool } from '../micro-ceph.ts';

const OBJECT = 4 * 2 ** 20;

/** Writes the byte over the whole image, by qemu's own client. */
export async function writeGeneration(pool: TestPool, image: string, write: { byte: number; size: bigint }): Promise<void> {
  const target = `rbd:${pool.spec}/${image}:conf=${pool.ceph.conf}`;
  await runProgram('qemu-io', ['-f', 'raw', '-c', `write -P ${write.byte} 0 ${write.size}`, target]);
}

/** The first byte of each object. */
export async function readGenerations(pool: TestPool, image: string): Promise<number[]> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'loligo-export-'));
  const path = join(folder.path, 'image');
  await pool.rbd('export', '--no-progress', image, path);
  await using file = await open(path);
  const { size } = await file.stat();
  const bytes: number[] = [];
  for (let at = 0; at < size; at += OBJECT) bytes.push((await file.read(Buffer.alloc(1), 0, 1, at)).buffer[0] ?? 0);
  return bytes;
}
