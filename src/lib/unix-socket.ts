/** Unix sockets that a process of ours serves: what to do about one that a killed process left. */
import { accessSync, chmodSync, constants, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { Failure } from '#lib/failure';

/** What a kernel's socket address holds. */
export const SOCKET_PATH_MAX = 107;

/** What the kernel says of a socket that nobody listens on. Anything else leaves open whether somebody does. */
const NOBODY: readonly unknown[] = ['ECONNREFUSED', 'ENOENT'];

/**
 * True when a process listens there, also one that hangs or that serves somebody else: the kernel answers for it. Holds
 * across PID and network namespaces, as long as both sides see the file.
 */
export function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const end = (listened: boolean): void => {
      probe.destroy();
      resolve(listened);
    };
    probe.once('connect', () => end(true));
    probe.once('error', (error) => end(!('code' in error && NOBODY.includes(error.code))));
  });
}

/** Throws `precondition` when no socket can be made at that path for want of its folder. */
export function checkFolder(path: string): void {
  const folder = dirname(path);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const isMissing = lstatSync(folder, { throwIfNoEntry: false }) === undefined;
    const why = `the folder ${folder} ${isMissing ? 'is missing' : 'cannot be written in'}`;
    throw new Failure('precondition', 'SOCKET_UNAVAILABLE', `cannot listen on ${path}: ${why}`, { cause });
  }
}

/**
 * Removes the socket of a process that is gone. One that is listened on stays: two servers on one socket would take
 * each other's calls. Throws `precondition`.
 */
export async function clearStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Failure('precondition', 'SOCKET_TAKEN', `${path} is there and is not a socket`);
  if (await isListenedOn(path)) throw new Failure('precondition', 'SOCKET_TAKEN', `another process serves ${path}`);
  unlinkSync(path);
}

/** Node binds with 755, which lets nobody but the owner connect; `mode` may widen that to a group. */
export function setMode(path: string, mode: number): void {
  chmodSync(path, mode);
}

/** Removes our socket, or finds it gone. */
export function dropSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(path);
}
