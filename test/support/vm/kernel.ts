/**
 * Debian's own kernel for the virtual machine: fetched with apt and unpacked beside this machine's programs, never
 * installed. Kept in the cache until Debian has a newer one.
 */
import { existsSync, globSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CACHE } from '../cache.ts';
import { runProgram } from '../ceph/program.ts';

/** Depends on the newest kernel that this Debian has. */
const NEWEST = 'linux-image-amd64';
const HOME = join(CACHE, 'vm');
const FETCH_TIMEOUT = 10 * 60_000; // milliseconds

export interface Kernel {
  /** As `uname -r` will say. */
  readonly version: string;
  readonly image: string;
  /** The folder with `modules.dep`. */
  readonly modules: string;
}

export async function debianKernel(): Promise<Kernel> {
  const name = fieldOf(await describe(NEWEST), /^Depends: .*?(linux-image-[^ ,]+)/m);
  const digest = fieldOf(await describe(name), /^SHA256: ([0-9a-f]+)$/m);
  const dir = join(HOME, `kernel-${digest.slice(0, 16)}`);
  if (!existsSync(dir)) await fetchInto(dir, name);
  const [image] = globSync('boot/vmlinuz-*', { cwd: dir });
  const [modules] = globSync(['lib/modules/*', 'usr/lib/modules/*'], { cwd: dir });
  if (image === undefined || modules === undefined) throw new Error(`no kernel in ${dir}: remove that folder`);
  return { version: basename(modules), image: join(dir, image), modules: join(dir, modules) };
}

async function describe(name: string): Promise<string> {
  return await runProgram('apt-cache', ['show', '--no-all-versions', name]);
}

function fieldOf(text: string, field: RegExp): string {
  const found = field.exec(text)?.[1];
  if (found === undefined) throw new Error(`apt does not know the kernel; run \`apt-get update\` (looked for ${field})`);
  return found;
}

async function fetchInto(dir: string, name: string): Promise<void> {
  const building = join(HOME, `fetching-${process.pid}`);
  const unpacked = join(building, 'unpacked');
  mkdirSync(unpacked, { recursive: true });
  try {
    await runProgram('apt-get', ['download', name], { cwd: building, timeout: FETCH_TIMEOUT });
    const [file = ''] = globSync('*.deb', { cwd: building });
    await runProgram('dpkg-deb', ['--extract', join(building, file), unpacked]);
    // Debian makes the list of what needs what when the package is installed.
    const [modules = ''] = globSync(['lib/modules/*', 'usr/lib/modules/*'], { cwd: unpacked });
    const base = join(unpacked, modules, '../../..');
    await runProgram('depmod', ['--basedir', base, basename(modules)]);
    for (const old of readdirSync(HOME).filter((entry) => entry.startsWith('kernel-'))) {
      rmSync(join(HOME, old), { recursive: true, force: true });
    }
    renameSync(unpacked, dir); // whole or not at all
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}
