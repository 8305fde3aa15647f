/**
 * Puts together the image's files: `collect-files.ts BUILD TARGET`, run in a Debian that has the packages installed.
 * Taken are the programs that the roles run, the libraries that they load, what those need in turn by the dynamic
 * linker's own account, and of each package that any of it is from, its licence and its record, for scanners.
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The programs that src/ runs, and those for whoever looks into a container. */
const PROGRAMS = [
  'blkid',
  'blockdev',
  'cryptsetup',
  'dd',
  'dmesg',
  'dmsetup',
  'e2fsck',
  'flock',
  'keyctl',
  'losetup',
  'mke2fs',
  'modprobe',
  'mkfs.xfs',
  'mount',
  'qemu-storage-daemon',
  'rbd-nbd',
  'resize2fs',
  'stat',
  'umount',
  'xfs_growfs',
  'env',
  'ls',
  'cat',
];
/** Loaded by name while a program runs, so the linker does not list them: koffi's, and qemu's driver. */
const LOADED = ['librados.so.2', 'librbd.so.1', 'qemu/block-rbd.so'];
const SETTINGS = ['/etc/mke2fs.conf', '/etc/nsswitch.conf', '/etc/os-release', '/etc/debian_version'];
const OTHER_NAMES = { 'usr/sbin/mkfs.ext4': 'mke2fs', 'usr/bin/loligo': '../lib/loligo/bin/loligo.js' };
/** Debian's merged /usr, and the list of mounts where libfuse looks for it. */
const LINKS = { bin: 'usr/bin', sbin: 'usr/sbin', lib: 'usr/lib', 'etc/mtab': '../proc/self/mounts' };
const USERS = 'root:x:0:0:root:/:/\nloligo:x:65532:65532:loligo:/:/\n';
const GROUPS = 'root:x:0:\ndisk:x:6:\nloligo:x:65532:\n';

const [build = '', target = ''] = process.argv.slice(2);
const NODE = '/usr/local/bin/node';

makeSkeleton();
const programs = PROGRAMS.map(pathOf);
const loaded = LOADED.map((name) => globSync(`/usr/lib/*-linux-gnu/${name}`)[0] ?? fail(`there is no ${name}`));
collectLoligo();
const native = globSync(`${target}/usr/lib/loligo/node_modules/@koromix/*/linux_*/koffi.node`);
if (native.length !== 1) fail(`koffi has ${native.length} native modules, and one is needed`);
const needed = [...new Set([...programs, ...loaded, ...libraries([NODE, ...programs, ...loaded, ...native])])];
for (const file of [...needed, ...SETTINGS]) copy(file);
copy(NODE);
execFileSync('strip', [join(target, NODE)]); // 18 MB of names that only a native debugger reads
recordPackages(needed);

function makeSkeleton(): void {
  for (const folder of [
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'etc/loligo',
    'dev',
    'proc',
    'sys',
    'tmp',
    'run/loligo',
    'var/lib/loligo',
  ]) {
    mkdirSync(join(target, folder), { recursive: true });
  }
  chmodSync(join(target, 'tmp'), 0o1777);
  chmodSync(join(target, 'var/lib/loligo'), 0o700);
  chownSync(join(target, 'run/loligo'), 65532, 65532);
  writeFileSync(join(target, 'etc/passwd'), USERS);
  writeFileSync(join(target, 'etc/group'), GROUPS);
  for (const [name, to] of Object.entries({ ...LINKS, ...OTHER_NAMES })) symlinkSync(to, join(target, name));
  if (existsSync('/lib64')) symlinkSync('usr/lib64', join(target, 'lib64'));
}

/** The bundle without its maps; of koffi what runs, and the one native module of this platform. */
function collectLoligo(): void {
  const home = join(target, 'usr/lib/loligo');
  const filter = (path: string): boolean => !/\.map$|\/(doc|vendor|musl_[^/]*)$|\.(cc|hh|c|h|S|md)$/.test(path);
  cpSync(join(build, 'dist/bin'), join(home, 'bin'), { recursive: true, filter });
  for (const name of ['koffi', '@koromix']) {
    cpSync(join(build, 'node_modules', name), join(home, 'node_modules', name), { recursive: true, filter });
  }
  copyFileSync(join(build, 'LICENSE'), join(home, 'LICENSE'));
  chmodSync(join(home, 'bin/loligo.js'), 0o755);
}

function pathOf(program: string): string {
  const found = ['/usr/sbin', '/usr/bin'].map((folder) => join(folder, program)).find((path) => existsSync(path));
  return found ?? fail(`there is no ${program}`);
}

/** Every shared library of these files, and the linker itself, as `ldd` names them. */
function libraries(files: readonly string[]): readonly string[] {
  const listed = execFileSync('ldd', [...files], { encoding: 'utf8' });
  if (listed.includes('not found')) fail(`a library is missing:\n${listed}`);
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
}

/** Under the name it is known by, in the folder where that really is; a link becomes the file. */
function copy(file: string): void {
  const folder = join(target, realpathSync(dirname(file)));
  mkdirSync(folder, { recursive: true });
  const to = join(folder, basename(file));
  copyFileSync(realpathSync(file), to);
  // mount and umount are setuid in Debian; here nobody who is not root mounts.
  chmodSync(to, file.includes('/bin/') || file.includes('/sbin/') || /\/ld-[^/]*$/.test(file) ? 0o755 : 0o644);
}

function recordPackages(files: readonly string[]): void {
  const owners = new Set(files.flatMap(ownersOf));
  mkdirSync(join(target, 'var/lib/dpkg/status.d'), { recursive: true });
  for (const owner of [...owners].toSorted()) {
    const record = execFileSync('dpkg-query', ['--status', owner], { encoding: 'utf8' });
    appendFileSync(join(target, 'var/lib/dpkg/status.d', owner), record);
    const licence = `/usr/share/doc/${owner}/copyright`;
    if (existsSync(licence)) copy(licence);
  }
}

/** dpkg knows a file by where it lies, and not by each of its names. */
function ownersOf(file: string): readonly string[] {
  const real = realpathSync(file);
  const said = execFileSync('dpkg-query', ['--search', real], { encoding: 'utf8' });
  return [...said.matchAll(/^([^\s:,]+)(?::\S+)?: /gm)].map(([, name = '']) => name);
}

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}
