/**
 * Builds the image of the Dockerfile without any registry: its two base images are made here of Debian's packages and
 * the Node of package-lock.json. Writes `.run/image/loligo.tar`, an archive as `docker save` writes it, which
 * `ctr images import`, `podman load` and `docker load` read, with the name `localhost/loligo:VERSION`.
 *
 * Does nothing when what it is made of has not changed. `--fresh` makes the bases anew too, with Debian's updates.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { runProgram } from '../test/support/ceph/program.ts';
import { step } from './step.ts';

const ROOT = resolve(import.meta.dirname, '..');
const HOME = join(ROOT, '.run/image');
const ARCHIVE = join(HOME, 'loligo.tar');
const STAMP = join(HOME, 'made-from');
const DEBIAN = 'localhost/loligo-base-debian:trixie';
const NODE = 'localhost/loligo-base-node:24';
const TOOLS = ['buildah', 'mmdebstrap'];
/** As Debian's own slim images: no manuals, but the licences. */
const SLIM = ['path-exclude=/usr/share/man/*', 'path-exclude=/usr/share/locale/*', 'path-exclude=/usr/share/doc/*'];
const LICENCES = 'path-include=/usr/share/doc/*/copyright';
const MINUTES = 60_000;

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }; // our own
const NAME = `localhost/loligo:${version}`;

process.chdir(ROOT);
if (process.argv.includes('--fresh')) rmSync(HOME, { recursive: true, force: true });
mkdirSync(HOME, { recursive: true });
const made = digest(sources());
if (existsSync(ARCHIVE) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === made) {
  console.log(`  ${NAME} is up to date`);
} else {
  await ensureTools();
  if (!(await hasImage(DEBIAN))) await step('base: Debian 13 (mmdebstrap)', makeDebian);
  if (!(await hasImage(NODE))) await step('base: the same with Node and npm', makeNode);
  await step('the Dockerfile (buildah)', buildImage);
  await step('archive', writeArchive);
  writeFileSync(STAMP, made);
}
console.log(`  ${ARCHIVE.slice(ROOT.length + 1).padEnd(44)} ${(statSync(ARCHIVE).size / 2 ** 20).toFixed(1).padStart(6)} MiB`);

/** All that .dockerignore lets through, and what says how it is built. */
function sources(): readonly string[] {
  const one = [
    '.dockerignore',
    'Dockerfile',
    'LICENSE',
    'package.json',
    'package-lock.json',
    'scripts/build.ts',
    'scripts/step.ts',
  ];
  return [...one, ...globSync(['proto/**', 'scripts/image/**', 'scripts/build-image.ts', 'src/**'])]
    .filter((path) => statSync(path).isFile())
    .toSorted();
}

function digest(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(`${path}\0`).update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

async function ensureTools(): Promise<void> {
  const missing = await Promise.all(
    TOOLS.map((tool) =>
      runProgram('which', [tool]).then(
        () => [],
        () => [tool],
      ),
    ),
  );
  const packages = missing.flat();
  if (packages.length === 0) return;
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await step(`installing by apt: ${packages.join(' ')}`, async () => {
    await runProgram('apt-get', ['update'], { timeout: 5 * MINUTES });
    await runProgram('apt-get', install, { env, timeout: 10 * MINUTES });
  });
}

/** buildah, with a store of our own, and nothing that needs a user namespace, a cgroup or a network of its own. */
function buildah(...args: readonly string[]): Promise<string> {
  const store = ['--root', join(HOME, 'store'), '--runroot', join(HOME, 'runroot')];
  const env = { BUILDAH_ISOLATION: 'chroot' };
  return runProgram('nice', ['-n', '19', 'buildah', ...store, ...args], { env, timeout: 20 * MINUTES });
}

function hasImage(name: string): Promise<boolean> {
  return buildah('inspect', '--type', 'image', name).then(
    () => true,
    () => false,
  );
}

/** Commits a container of `base` with what `change` does to it. */
async function commit(base: string, name: string, change: (container: string) => Promise<unknown>): Promise<void> {
  const container = (await buildah('from', base)).trim();
  try {
    await change(container);
    await buildah('commit', '--quiet', container, name);
  } finally {
    await buildah('rm', container);
  }
}

async function makeDebian(): Promise<void> {
  const tree = join(HOME, 'debian.tar');
  const options = [...SLIM, LICENCES].map((option) => `--dpkgopt=${option}`);
  const args = ['-n', '19', 'mmdebstrap', '--quiet', '--variant=minbase', ...options, 'trixie', tree];
  await runProgram('nice', args, { timeout: 20 * MINUTES });
  await commit('scratch', DEBIAN, async (container) => {
    await buildah('add', '--quiet', container, tree, '/');
    await buildah('config', '--cmd', '["bash"]', container);
  });
  rmSync(tree);
}

/** What Node's official image has: `node` and `npm` in /usr/local. The npm is this machine's. */
async function makeNode(): Promise<void> {
  const tree = join(HOME, 'node');
  const npm = resolve(dirname(realpathSync((await runProgram('which', ['npm'])).trim())), '..');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  cpSync(process.execPath, join(tree, 'bin/node'));
  cpSync(npm, join(tree, 'lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(tree, 'bin/npm'));
  await commit(DEBIAN, NODE, (container) => buildah('copy', '--quiet', container, tree, '/usr/local'));
  rmSync(tree, { recursive: true });
}

/** This machine's way to the packages goes in by secrets, which are mounted for a step and kept nowhere. */
async function buildImage(): Promise<void> {
  const aptconf = join(HOME, 'apt.conf');
  const settings = (await runProgram('apt-config', ['dump'])).split('\n').filter((line) => line.startsWith('Acquire::'));
  writeFileSync(aptconf, `${settings.join('\n')}\n`, { mode: 0o600 });
  const given = {
    aptconf,
    npmrc: join(homedir(), '.npmrc'),
    certificates: process.env['NODE_EXTRA_CA_CERTS'] ?? '/etc/ssl/certs/ca-certificates.crt',
  };
  const secrets = Object.entries(given)
    .filter(([, file]) => existsSync(file))
    .map(([id, file]) => `--secret=id=${id},src=${file}`);
  const settled = [`NODE_IMAGE=${NODE}`, `DEBIAN_IMAGE=${DEBIAN}`, `VERSION=${version}`].map((one) => `--build-arg=${one}`);
  await buildah('build', '--layers', '--pull-never', ...settled, ...secrets, '--tag', NAME, '--file', 'Dockerfile', '.');
  rmSync(aptconf);
}

async function writeArchive(): Promise<void> {
  rmSync(ARCHIVE, { force: true });
  await buildah('push', '--quiet', NAME, `docker-archive:${ARCHIVE}:${NAME}`);
}
