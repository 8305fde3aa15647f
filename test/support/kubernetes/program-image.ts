/** An image of one program of this machine with its libraries, for what the chart runs of others and no registry is asked for. */
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runProgram } from '../ceph/program.ts';
import type { Kube } from './kube.ts';
import { packImages } from './oci-archive.ts';
import { imageName } from './places.ts';

/** Packs `/usr/bin/<name>` and makes it known to all nodes as `imageName(name)`. */
export async function importProgram(kube: Kube, name: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'loligo-image-'));
  try {
    const [root, program, archive] = [join(work, 'root'), `/usr/bin/${name}`, join(work, 'image.tar')];
    for (const file of [program, ...(await librariesOf(program))]) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      cpSync(realpathSync(file), join(root, file));
    }
    mkdirSync(join(root, 'tmp'));
    await packImages(archive, root, [{ name: imageName(name) }]);
    await kube.importImage(archive);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** By the names that the linker looks for them. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const told = await runProgram('ldd', [program]);
  return [...told.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
}
