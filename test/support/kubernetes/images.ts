/** The images of the bed: what a pod's sandbox runs, a shell for pods that write, and the CSI sidecars. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../ceph/program.ts';
import { type ProgramName, programPath, programStamp, type Show } from './binaries.ts';
import { type ImageEntry, packImages } from './oci-archive.ts';
import { IMAGES, imageName } from './places.ts';

/** They share a layer, and are `imageName('csi-provisioner')` and so on. */
export const SIDECARS = [
  'csi-provisioner',
  'csi-attacher',
  'csi-resizer',
  'csi-snapshotter',
  'snapshot-controller',
  'csi-snapshot-metadata',
  'csi-node-driver-registrar',
  'livenessprobe',
] as const satisfies readonly ProgramName[];

/** Debian's static one: it needs nothing else in its image. */
const BUSYBOX = '/bin/busybox';
/** Raised when what is put into an image changes in another way than by its programs. */
const RECIPE = '1';

interface Recipe {
  readonly entries: readonly ImageEntry[];
  /** Changes with what goes in. */
  stamp(): string;
  fill(root: string): Promise<void>;
}

const RECIPES: Readonly<Record<string, Recipe>> = {
  pause: {
    entries: [{ name: imageName('pause'), entrypoint: ['/pause'] }],
    stamp: () => programStamp('pause'),
    fill: (root) => copyPrograms(root, ['pause']),
  },
  busybox: {
    entries: [{ name: imageName('busybox'), command: ['sh'] }],
    stamp: () => createHash('sha256').update(readFileSync(BUSYBOX)).digest('hex'),
    fill: fillBusybox,
  },
  sidecars: {
    entries: SIDECARS.map((name) => ({ name: imageName(name), entrypoint: [`/${name}`] })),
    stamp: () => SIDECARS.map(programStamp).join(' '),
    fill: (root) => copyPrograms(root, SIDECARS),
  },
};

/** Packs what is not up to date; gives the archives, those that pods need first at the head. */
export async function buildImages(show: Show): Promise<readonly string[]> {
  mkdirSync(IMAGES, { recursive: true });
  const archives: string[] = [];
  for (const [name, recipe] of Object.entries(RECIPES)) {
    const archive = join(IMAGES, `${name}.tar`);
    const stamp = `${RECIPE} ${recipe.stamp()}`;
    if (!isUpToDate(archive, stamp)) await show(`pack image ${name}`, () => pack(archive, recipe, stamp));
    archives.push(archive);
  }
  return archives;
}

async function pack(archive: string, recipe: Recipe, stamp: string): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'loligo-image-'));
  try {
    await recipe.fill(root);
    await packImages(archive, root, recipe.entries);
    writeFileSync(`${archive}.stamp`, stamp);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function isUpToDate(archive: string, stamp: string): boolean {
  const stamped = `${archive}.stamp`;
  return existsSync(archive) && existsSync(stamped) && readFileSync(stamped, 'utf8') === stamp;
}

// biome-ignore lint/suspicious/useAwait: a recipe may wait, this one has nothing to wait for
async function copyPrograms(root: string, names: readonly ProgramName[]): Promise<void> {
  for (const name of names) copyFileSync(programPath(name), join(root, name));
}

async function fillBusybox(root: string): Promise<void> {
  for (const dir of ['bin', 'etc', 'root', 'proc', 'sys', 'dev', 'run']) mkdirSync(join(root, dir));
  await runProgram('install', ['-d', '-m', '1777', join(root, 'tmp')]);
  copyFileSync(BUSYBOX, join(root, 'bin/busybox'));
  const applets = (await runProgram(BUSYBOX, ['--list'])).split('\n');
  for (const applet of applets) if (applet !== '' && applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
}
