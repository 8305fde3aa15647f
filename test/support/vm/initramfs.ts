/**
 * The machine's root: a few MiB in memory, with busybox as process 1. All else it has from this machine, read-only over
 * 9p: /usr, the checkout, Node, and the modules of its kernel. So nothing is installed for it, and what runs in it are
 * the very programs that are tested here.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { CACHE } from '../cache.ts';
import { runProgram } from '../ceph/program.ts';
import { cpio, type Entry } from './cpio.ts';
import type { Kernel } from './kernel.ts';

const HOME = join(CACHE, 'vm');
const BUSYBOX = '/usr/bin/busybox';
/** Needed for a /usr, and each time; everything else is loaded from there. */
const FIRST_MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio_net', 'virtio_blk', 'crc32c_generic', 'ext4'];
const FOLDERS = [
  ...['busybox', 'modules', 'etc', 'etc/ceph', 'proc', 'sys', 'dev', 'run', 'tmp', 'root', 'usr', 'project', 'node'],
  ...['host', 'host/usr', 'host/more', 'host/more/lib', 'host/more/lib/modules', 'var', 'var/lib', 'var/lib/loligo'],
];
const LINKS = { bin: 'usr/bin', sbin: 'usr/sbin', lib: 'usr/lib', lib64: 'usr/lib64', 'etc/mtab': '../proc/self/mounts' };
const SETTINGS = ['/etc/passwd', '/etc/group', '/etc/nsswitch.conf', '/etc/mke2fs.conf', '/etc/ld.so.cache', '/etc/os-release'];

/** What process 1 starts: the set-up, then the agent for as long as the machine runs, and a shell on the console. */
const INITTAB = `::sysinit:/etc/rc
::respawn:/node/node /bed/agent.js
ttyS0::respawn:-/bin/bash
`;

/**
 * The kernel's command line tells it who it is: `loligo.address=10.0.0.2/24 loligo.name=vm loligo.bed=/project/…`.
 * One disk, for what outlives a reboot. An overlay only to have a place for the modules below a /usr that cannot be written.
 */
const SETUP = `#!/busybox/sh
set -e
export PATH=/busybox:/usr/sbin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
ln -s /proc/self/fd /dev/fd
mount -t devpts devpts /dev/pts
mount -t debugfs debugfs /sys/kernel/debug
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
while read -r module; do insmod "/modules/$module"; done </modules/order
share() { mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro "$1" "$2"; }
share usr /host/usr
mount -t overlay -o lowerdir=/host/more:/host/usr overlay /usr
share modules /usr/lib/modules
share project /project
share node /node
for word in $(cat /proc/cmdline); do
  case "$word" in
  loligo.address=*) address="\${word#*=}" ;;
  loligo.name=*) hostname "\${word#*=}" ;;
  loligo.bed=*) ln -s "\${word#*=}" /bed ;;
  esac
done
ip link set lo up
ip address add "$address" dev eth0
ip link set eth0 up
mount -t ext4 /dev/vda /var/lib/loligo
`;

/** The archive for that kernel; made when its inputs have changed. */
export async function initramfs(kernel: Kernel): Promise<string> {
  const entries = await contents(kernel);
  const digest = createHash('sha256').update(cpio(entries)).digest('hex').slice(0, 16);
  const archive = join(HOME, `root-${digest}.cpio.gz`);
  if (existsSync(archive)) return archive;
  mkdirSync(HOME, { recursive: true });
  for (const old of readdirSync(HOME).filter((entry) => entry.startsWith('root-'))) rmSync(join(HOME, old), { force: true });
  const building = join(HOME, `making-${process.pid}`);
  writeFileSync(building, await promisify(gzip)(cpio(entries), { level: 1 }));
  renameSync(building, archive);
  return archive;
}

async function contents(kernel: Kernel): Promise<readonly Entry[]> {
  const modules = firstModules(kernel);
  return [
    ...FOLDERS.map((path): Entry => ({ path, kind: 'folder' })),
    ...Object.entries(LINKS).map(([path, to]): Entry => ({ path, kind: 'link', to })),
    ...(await applets()).map((name): Entry => ({ path: `busybox/${name}`, kind: 'link', to: 'busybox' })),
    file('busybox/busybox', readFileSync(BUSYBOX), 0o755),
    { path: 'init', kind: 'link', to: 'busybox/init' },
    file('etc/inittab', Buffer.from(INITTAB)),
    file('etc/rc', Buffer.from(SETUP), 0o755),
    file('etc/hosts', Buffer.from('127.0.0.1 localhost\n')),
    ...SETTINGS.filter((path) => existsSync(path)).map((path) => file(path.slice(1), readFileSync(path))),
    file('modules/order', Buffer.from(modules.map((path) => `${moduleFile(path)}\n`).join(''))),
    ...modules.map((path) => file(`modules/${moduleFile(path)}`, readModule(join(kernel.modules, path)))),
  ];
}

function file(path: string, content: Buffer, mode = 0o644): Entry {
  return { path, kind: 'file', content, mode };
}

async function applets(): Promise<readonly string[]> {
  const names = (await runProgram(BUSYBOX, ['--list'])).split('\n');
  return names.filter((name) => name !== '' && name !== 'busybox');
}

/** Paths of the first modules and of all that they need, in the order in which they can be loaded. */
function firstModules({ modules }: Kernel): readonly string[] {
  const needs = new Map(
    readFileSync(join(modules, 'modules.dep'), 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([path = '', needed = '']) => [path, needed.split(' ').filter((other) => other !== '')] as const),
  );
  const byName = new Map([...needs.keys()].map((path) => [nameOf(path), path]));
  // What is built into the kernel is not in the list.
  const wanted = FIRST_MODULES.map((name) => byName.get(name)).filter((path) => path !== undefined);
  // Debian lists what a module needs with the deepest last.
  return [...new Set(wanted.flatMap((path) => [...(needs.get(path) ?? []).toReversed(), path]))];
}

function nameOf(path: string): string {
  return moduleFile(path).replace(/\.ko$/, '').replaceAll('-', '_');
}

function moduleFile(path: string): string {
  return basename(path).replace(/\.xz$/, '');
}

/** Debian 13 has them compressed. */
function readModule(path: string): Buffer {
  return path.endsWith('.xz') ? execFileSync('xz', ['--decompress', '--stdout', path], { maxBuffer: 2 ** 26 }) : readFileSync(path);
}
