/** What a driver whose files all lie in one folder has left on this machine, and how to take it away by force. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';

const PATIENCE = 10_000; // milliseconds that one program of the taking away may take

/** Mounts, loop devices and processes of `dir`, a line each; empty when nothing is left. */
export function hostRemains(dir: string): readonly string[] {
  return [
    ...mountsOf(dir).map((path) => `mount ${path}`),
    ...loopsBelow(dir).map((path) => `loop device ${path}`),
    ...processesOf(dir).map((pid) => `process ${pid}`),
  ];
}

/**
 * Ends and removes all of it, whatever state it is in, and the folder last. Synchronous, so that it can run at exit.
 * Mounts of devices go first: removing files must not reach into a volume.
 */
export function removeHostRemains(dir: string): void {
  const mounts = mountsOf(dir);
  for (const path of mounts.filter((mount) => !isExport(mount))) spawnSync('umount', ['--lazy', path], { timeout: PATIENCE });
  for (const device of loopsBelow(dir)) spawnSync('losetup', ['--detach', device], { timeout: PATIENCE });
  for (const pid of processesOf(dir)) kill(pid);
  for (const path of mounts.filter(isExport)) spawnSync('umount', ['--lazy', '--no-canonicalize', path], { timeout: PATIENCE });
  if (existsSync(dir) && mountsOf(dir).length === 0) rmSync(dir, { recursive: true, force: true });
}

/** The file that a mapper's process serves: asking it for anything hangs once that process is gone. */
function isExport(path: string): boolean {
  return /\/volumes\/[0-9a-f]{32}\/image$/.test(path);
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
