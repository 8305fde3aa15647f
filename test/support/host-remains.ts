/** What a driver whose files all lie in one folder has left on this machine, and how to take it away by force. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';

const PATIENCE = 10_000; // milliseconds that one program of the taking away may take

/**
 * Mounts, loop devices and processes of `dir`, a line each; empty when nothing is left. With `program` only processes of
 * that one count, where the driver still runs.
 */
export function hostRemains(dir: string, program = ''): readonly string[] {
  return [
    ...mountsOf(dir).map((path) => `mount ${path}`),
    ...loopsBelow(dir).map((path) => `loop device ${path}`),
    ...processesOf(dir)
      .filter((pid) => readOr(`/proc/${pid}/cmdline`).split('\0')[0]?.endsWith(program))
      .map((pid) => `process ${pid}`),
  ];
}

/**
 * Ends and removes all of it, whatever state it is in. Synchronous, so that it can run at exit. Processes first: with Ceph
 * away only a dead one lets its mount go. Files last, and only when nothing is mounted any more: removing them must not
 * reach into a volume.
 */
export function removeHostRemains(dir: string): void {
  const loops = loopsBelow(dir); // once the file behind one is unmounted, nothing tells whose it was
  for (const pid of processesOf(dir)) kill(pid);
  unmountAll(dir);
  for (const device of loops) spawnSync('losetup', ['--detach', device], { timeout: PATIENCE });
  unmountAll(dir);
  if (existsSync(dir) && mountsOf(dir).length === 0) rmSync(dir, { recursive: true, force: true });
}

/** Not looked at more closely: asking anything of a file whose server is gone hangs. */
function unmountAll(dir: string): void {
  for (const path of mountsOf(dir)) spawnSync('umount', ['--lazy', '--no-canonicalize', path], { timeout: PATIENCE });
}

/** Mounts below `dir`, and mounts anywhere of its loop devices; the newest first. */
function mountsOf(dir: string): readonly string[] {
  const devices = new Set(loopsBelow(dir));
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => ({ path: line.split(' ')[4] ?? '', source: line.split(' - ')[1]?.split(' ')[1] ?? '' }));
  const ours = mounts.filter(({ path, source }) => path.startsWith(`${dir}/`) || devices.has(source));
  return ours.map(({ path }) => path).toReversed();
}

function loopsBelow(dir: string): readonly string[] {
  return readdirSync('/sys/block')
    .filter((name) => name.startsWith('loop') && readOr(`/sys/block/${name}/loop/backing_file`).startsWith(`${dir}/`))
    .map((name) => `/dev/${name}`);
}

/** Processes with a path of `dir` among their arguments, or in their environment. */
function processesOf(dir: string): readonly number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  const names = (pid: number, file: string): boolean => readOr(`/proc/${pid}/${file}`).includes(`${dir}/`);
  return pids.filter((pid) => pid !== process.pid && (names(pid, 'cmdline') || names(pid, 'environ')));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
