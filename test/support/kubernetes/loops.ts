/**
 * Loop devices are the whole machine's and outlive the processes that made them. These are a cluster's: those on a file below
 * its folder, those on a file system that only its nodes have mounted (a FUSE file of the driver), and those on such a loop
 * device (kubelet makes one for each raw block volume).
 */
import { globSync, readFileSync, statSync } from 'node:fs';
import { runProgram } from '../ceph/program.ts';
import { livingPid } from '../process-identity.ts';
import type { Host } from './host.ts';

interface Loop {
  readonly name: string;
  readonly inode: string;
  /** `major:minor` of the file system that its file lies on. */
  readonly device: string;
}

/** Paths of the loop devices of the cluster in `dir`, those on top of others first. */
export async function loopsOf(nodes: readonly Host[], dir: string): Promise<readonly string[]> {
  const all = await listLoops();
  if (all.length === 0) return [];
  const nodesOnly = mountedOnlyIn(nodes);
  const files = await inodesBelow(dir, all);
  const own = all.filter(({ device, inode }) => nodesOnly.has(device) || files.has(`${device} ${inode}`));
  const found = own.map(({ name }) => name);
  // A loop device on a loop device: its "file" is the node of that one in /dev.
  const nodeOf = new Map(found.map((name) => [`${deviceOf('/dev')} ${statSync(name).ino}`, name]));
  const above = all.filter(({ device, inode }) => nodeOf.has(`${device} ${inode}`)).map(({ name }) => name);
  return [...above.filter((name) => !found.includes(name)), ...found];
}

export async function detachLoops(loops: readonly string[]): Promise<void> {
  for (const loop of loops) await runProgram('losetup', ['--detach', loop]).catch(() => {}); // gone by itself (autoclear)
}

async function listLoops(): Promise<readonly Loop[]> {
  const text = await runProgram('losetup', ['--list', '--noheadings', '--output', 'NAME,BACK-INO,BACK-MAJ:MIN']);
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [name = '', inode = '', device = ''] = line.split(/\s+/);
    return { name, inode, device };
  });
}

function mountedOnlyIn(nodes: readonly Host[]): ReadonlySet<string> {
  const machine = new Set(mountDevices('/proc/self/mountinfo'));
  const inits = nodes.map(({ init }) => livingPid(init)).filter((pid) => pid !== undefined);
  // A node's process 1 has a /proc of its own, which shows all of the node's processes, those of containers too.
  const files = inits.flatMap((pid) => globSync(`/proc/${pid}/root/proc/[0-9]*/mountinfo`));
  return new Set(files.flatMap(mountDevices).filter((device) => !machine.has(device)));
}

function mountDevices(mountinfo: string): readonly string[] {
  try {
    const lines = readFileSync(mountinfo, 'utf8').split('\n');
    return lines.map((line) => line.split(' ')[2] ?? '').filter((device) => device !== '');
  } catch {
    return []; // it ended meanwhile
  }
}

/** `device inode` of those files below `dir` that a loop device lies on. */
async function inodesBelow(dir: string, loops: readonly Loop[]): Promise<ReadonlySet<string>> {
  const device = deviceOf(dir);
  const wanted = loops.filter((loop) => loop.device === device).flatMap(({ inode }) => ['-o', '-inum', inode]);
  if (wanted.length === 0) return new Set();
  const found = await runProgram('find', [dir, '-xdev', '(', ...wanted.slice(1), ')', '-printf', '%i\n']).catch(() => '');
  return new Set(found.split('\n').map((inode) => `${device} ${inode}`));
}

function deviceOf(path: string): string {
  const { dev } = statSync(path);
  // As Linux packs them: the minor number's lower 8 bits, 12 bits of the major one, the rest of the minor one.
  return `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
}
