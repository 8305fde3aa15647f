/** The conversations with the process that carries a volume's I/O, from its first to its last. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { isListenedOn, SOCKET_PATH_MAX } from '#lib/unix-socket';
import type { DaemonKeeper } from '../keeper/keeper.ts';
import { LIMITS } from '../limits.ts';
import { Qmp } from './qmp.ts';
import { socketOf } from './volume-files.ts';

/**
 * Starts a daemon that serves nothing yet, and opens the conversation in which it is told what to serve: one and the
 * same, for a second one right after a first may be closed with it.
 */
export async function startDaemon(keeper: DaemonKeeper, dir: string, limit: number): Promise<Qmp> {
  const socket = socketOf(dir);
  if (Buffer.byteLength(socket) > SOCKET_PATH_MAX || socket.includes(',')) {
    throw new Failure('precondition', 'STATE_DIR_UNUSABLE', 'the state directory has too long a path, or one with a comma');
  }
  await keeper.start(dir);
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

/** The daemon closes its socket after the image, and the kernel does it for one that was killed. */
export function isDaemonAlive(dir: string): Promise<boolean> {
  return isListenedOn(socketOf(dir));
}

/**
 * Ends the daemon, politely where it listens, by SIGKILL where it does not: with Ceph away it cannot close the image.
 * Nobody may have the device any more.
 */
export async function stopDaemon(keeper: DaemonKeeper, dir: string): Promise<void> {
  if (await isDaemonAlive(dir)) await quit(dir);
  await keeper.end(dir);
}

async function quit(dir: string): Promise<void> {
  const until = Date.now() + LIMITS.daemonStop;
  try {
    using qmp = await askDaemon(dir, LIMITS.daemonStop);
    await qmp.ask('quit');
  } catch {
    // It hangs or is gone; which one is seen next.
  }
  while ((await isDaemonAlive(dir)) && Date.now() < until) await sleep(20);
}
