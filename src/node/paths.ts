/** Paths that come from outside, and the paths of what we keep about a volume. */
import { createHash } from 'node:crypto';
import { lstat, mkdir, open, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { Failure } from '#lib/failure';
import { isErrno } from './errno.ts';

const PATH_MAX = 4096;
const COMPONENT_MAX = 255;

/** Throws `invalid` naming the field unless the path is absolute, normal and printable. */
export function checkPath(field: string, path: string): string {
  if (path === '') throw bad(field, 'is empty');
  if (!path.startsWith('/') || path === '/') throw bad(field, 'is not an absolute path below the root');
  if (/\p{Cc}/u.test(path)) throw bad(field, 'has control characters');
  if (Buffer.byteLength(path) >= PATH_MAX) throw bad(field, `is longer than ${PATH_MAX} bytes`);
  if (path.split('/').some((part) => Buffer.byteLength(part) > COMPONENT_MAX)) throw bad(field, 'has an over-long component');
  const plain = path.endsWith('/') ? path.slice(0, -1) : path;
  if (normalize(plain) !== plain) throw bad(field, 'has "..", "." or "//" in it');
  return plain;
}

function bad(field: string, what: string): Failure {
  return new Failure('invalid', 'PATH_INVALID', `${field} ${what}`);
}

/** Where the node role keeps what it knows of one volume: the handle itself may be longer than a path's component. */
export function volumeDir(stateDir: string, handle: string): string {
  return join(volumesDir(stateDir), digest(handle));
}

export function volumesDir(stateDir: string): string {
  return join(stateDir, 'volumes');
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

type Kind = 'directory' | 'file';

/** What lies at a path, itself and not what it points to; `undefined` when nothing does. */
async function kindAt(path: string): Promise<Kind | 'other' | undefined> {
  try {
    const found = await lstat(path);
    if (found.isDirectory()) return 'directory';
    return found.isSymbolicLink() || found.isFIFO() || found.isSocket() ? 'other' : 'file';
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw new Failure('precondition', 'PATH_UNREADABLE', `${path} cannot be looked at`, { cause: error });
  }
}

/** Makes the directory or the empty file that something is mounted on. A symbolic link there is refused. */
export async function ensureMountPoint(path: string, kind: Kind): Promise<void> {
  const found = await kindAt(path);
  if (found === kind) return;
  if (found !== undefined) throw new Failure('precondition', 'PATH_TAKEN', `${path} is there and is not a ${kind}`);
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  if (kind === 'directory') await mkdir(path, { mode: 0o750 });
  else await (await open(path, 'wx', 0o600)).close();
}

/** Removes an empty directory or an empty file, never what is in it. Gone already is what was asked for. */
export async function dropMountPoint(path: string): Promise<void> {
  const found = await kindAt(path);
  if (found === undefined) return;
  if (found === 'other') throw new Failure('precondition', 'PATH_TAKEN', `${path} is neither a directory nor a file`);
  if (found === 'directory') await dropDirectory(path);
  else await dropEmptyFile(path);
}

async function dropDirectory(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw new Failure('precondition', 'PATH_NOT_EMPTY', `${path} cannot be removed: there is something in it or on it`, {
      cause: error,
    });
  }
}

async function dropEmptyFile(path: string): Promise<void> {
  const { size } = await lstat(path);
  if (size > 0) throw new Failure('precondition', 'PATH_NOT_EMPTY', `${path} is a file with content and stays`);
  await unlink(path);
}
