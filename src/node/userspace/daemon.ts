/**
 * The process that carries a volume's I/O: one qemu-storage-daemon per volume, in a session of its own, which outlives
 * the node role. It is found again by its control socket's path in its arguments: nothing is remembered about it.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { isErrno } from '../errno.ts';
import { LIMITS } from '../limits.ts';
import { startDetached } from '../run.ts';
import { Qmp } from './qmp.ts';

export const DAEMON = 'qemu-storage-daemon';
/** sun_path of a unix socket. */
const SOCKET_PATH_MAX = 107;

/**
 * Starts a daemon that serves nothing yet, and opens the conversation in which it is told what to serve: one and the
 * same, for a second one right after a first may be closed with it.
 */
export async function startDaemon(dir: string, limit: number): Promise<Qmp> {
  const socket = socketOf(dir);
  if (Buffer.byteLength(socket) > SOCKET_PATH_MAX || socket.includes(',')) {
    throw new Failure('precondition', 'STATE_DIR_UNUSABLE', 'the state directory has too long a path, or one with a comma');
  }
  await startDetached(DAEMON, ['--chardev', chardev(dir), '--monitor', 'chardev=control'], join(dir, 'daemon.log'));
  const until = Date.now() + LIMITS.daemonStart;
  for (;;) {
    try {
      return await Qmp.connect(socket, limit);
    } catch (error) {
      if (Date.now() > until) throw error;
      await sleep(20);
    }
  }
}

/** A conversation with the daemon, over within `limit` milliseconds. */
export function askDaemon(dir: string, limit: number): Promise<Qmp> {
  return Qmp.connect(socketOf(dir), limit);
}

/** The daemon's processes: one, none, or more when an earlier call was killed while it started one. */
export async function findDaemons(dir: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const ours = await Promise.all(pids.map((pid) => isDaemon(pid, chardev(dir))));
  return pids.filter((_, index) => ours[index]);
}

/**
 * Ends the daemon, politely where it listens, by SIGKILL where it does not: with Ceph away it cannot close the image.
 * Nobody may have the device any more.
 */
export async function stopDaemon(dir: string): Promise<void> {
  if ((await findDaemons(dir)).length === 0) return;
  await quit(dir);
  if (await gone(dir, LIMITS.daemonStop)) return;
  for (const pid of await findDaemons(dir)) signal(pid, 'SIGKILL');
  if (await gone(dir, LIMITS.daemonStop)) return;
  throw new Failure('unfinished', 'DAEMON_STUCK', 'the process that maps the volume does not end');
}

async function quit(dir: string): Promise<void> {
  try {
    using qmp = await askDaemon(dir, LIMITS.daemonStop);
    await qmp.ask('quit');
  } catch {
    // It hangs or is gone; which one is seen next.
  }
}

async function gone(dir: string, limit: number): Promise<boolean> {
  const until = Date.now() + limit;
  while ((await findDaemons(dir)).length > 0) {
    if (Date.now() > until) return false;
    await sleep(20);
  }
  return true;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

function socketOf(dir: string): string {
  return join(dir, 'qmp.sock');
}

function chardev(dir: string): string {
  return `socket,id=control,path=${socketOf(dir)},server=on,wait=off`;
}

async function isDaemon(pid: number, argument: string): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'latin1')).split('\0').includes(argument);
  } catch {
    return false; // It has ended.
  }
}
