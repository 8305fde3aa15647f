/** The unix socket that CSI is served on: its name, and what to do about one that a killed process left. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { Failure } from '#lib/failure';

/** What a kernel's socket address holds. */
const SOCKET_PATH_MAX = 107;

/** The path in a CSI endpoint, `unix:///path.sock`, `unix:/path.sock` or the path alone. Throws `invalid`. */
export function socketPath(endpoint: string): string {
  const path = endpoint.replace(/^unix:(\/\/)?/, '');
  if (!path.startsWith('/')) throw wrong(endpoint, 'is not unix:// and an absolute path');
  if (!path.endsWith('.sock')) throw wrong(endpoint, 'does not end in .sock, which CSI wants');
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX) throw wrong(endpoint, `is longer than ${SOCKET_PATH_MAX} bytes`);
  return path;
}

/**
 * Removes the socket of a process that is gone. One that is answered on stays: two drivers on one socket would take
 * each other's calls. Throws `precondition`.
 */
export async function clearStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Failure('precondition', 'SOCKET_TAKEN', `${path} is there and is not a socket`);
  if (await isAnswered(path)) throw new Failure('precondition', 'SOCKET_TAKEN', `another process serves ${path}`);
  unlinkSync(path);
}

/** grpc-js binds with 755, which lets nobody but the owner connect; `mode` may widen that to a group. */
export function setMode(path: string, mode: number): void {
  chmodSync(path, mode);
}

/** Removes our socket, or finds it gone. */
export function dropSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const end = (answered: boolean): void => {
      probe.destroy();
      resolve(answered);
    };
    probe.once('connect', () => end(true));
    probe.once('error', () => end(false));
  });
}

function wrong(endpoint: string, what: string): Failure {
  return new Failure('invalid', 'ENDPOINT_INVALID', `the endpoint ${endpoint} ${what}`);
}
