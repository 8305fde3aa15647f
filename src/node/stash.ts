/**
 * What the node role keeps about a staged volume, in the volume's directory.
 *
 *     S1  `stash.json` is written before anything is mapped and removed after everything is taken down: what is
 *         mapped has a stash. A stash by itself says what was wanted, never that it is there.
 *     S2  `targets/<digest of the path>.json` is written before its bind mount and removed after it: it says with
 *         what a volume was published there. It counts while something is mounted there.
 *     S3  Files are replaced whole (written beside, synced, renamed). A version newer than ours is never changed.
 */
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '#lib/failure';
import { isErrno } from './errno.ts';
import { digest } from './paths.ts';

const VERSION = 1;

export type Access = 'mount' | 'block';

export interface Stash {
  readonly handle: string;
  readonly mapper: string;
  readonly stagingPath: string;
  readonly access: Access;
  readonly readonly: boolean;
  /** '' for block volumes, and where the request left it open until the file system was seen. */
  readonly fsType: string;
  /** The wrapped key of an encrypted volume, '' for another. */
  readonly storedKey: string;
  /** The CephX user that NodeStageVolume was to map it as: the cluster configuration's or, with a class's secrets, another. */
  readonly user: string;
}

/** How a volume was published at one path; what a second request for that path is compared with. */
export interface Target {
  readonly path: string;
  readonly readonly: boolean;
  readonly access: Access;
  /** CSI's name of the access mode. */
  readonly mode: string;
  readonly mountFlags: readonly string[];
}

export async function readStash(dir: string): Promise<Stash | undefined> {
  const fields = await readRecord(join(dir, 'stash.json'));
  return fields && toStash(fields);
}

export async function writeStash(dir: string, stash: Stash): Promise<void> {
  await writeRecord(join(dir, 'stash.json'), stash);
}

/** Removes the stash and the then empty directory. */
export async function dropStash(dir: string): Promise<void> {
  await dropRecord(join(dir, 'stash.json'));
  for (const path of [join(dir, 'targets'), dir]) await dropIfEmpty(path);
}

export async function readTargets(dir: string): Promise<readonly Target[]> {
  const names = (await namesIn(join(dir, 'targets'))).filter((name) => name.endsWith('.json'));
  const found = await Promise.all(names.map((name) => readRecord(join(dir, 'targets', name))));
  return found.filter((fields) => fields !== undefined).map(toTarget);
}

export async function writeTarget(dir: string, target: Target): Promise<void> {
  await writeRecord(targetFile(dir, target.path), target);
}

export async function dropTarget(dir: string, path: string): Promise<void> {
  await dropRecord(targetFile(dir, path));
}

function targetFile(dir: string, path: string): string {
  return join(dir, 'targets', `${digest(path)}.json`);
}

type Fields = Readonly<Record<string, unknown>>;

function toStash(fields: Fields): Stash {
  return {
    handle: text(fields, 'handle'),
    mapper: text(fields, 'mapper'),
    stagingPath: text(fields, 'stagingPath'),
    access: access(fields),
    readonly: fields['readonly'] === true,
    fsType: text(fields, 'fsType'),
    // Not in what was written before these were known.
    storedKey: fields['storedKey'] === undefined ? '' : text(fields, 'storedKey'),
    user: fields['user'] === undefined ? '' : text(fields, 'user'),
  };
}

function toTarget(fields: Fields): Target {
  const flags = fields['mountFlags'];
  return {
    path: text(fields, 'path'),
    readonly: fields['readonly'] === true,
    access: access(fields),
    mode: text(fields, 'mode'),
    mountFlags: Array.isArray(flags) ? flags.map(String) : [],
  };
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw damaged(name);
  return value;
}

function access(fields: Fields): Access {
  return text(fields, 'access') === 'block' ? 'block' : 'mount';
}

async function readRecord(file: string): Promise<Fields | undefined> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new Failure('precondition', 'STATE_UNREADABLE', "the node's state cannot be read", { cause: error });
  }
  const fields = parse(content);
  if (fields['v'] !== VERSION) throw damaged(`version ${String(fields['v'])}`);
  return fields;
}

function parse(content: string): Fields {
  try {
    const parsed: unknown = JSON.parse(content);
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed };
  } catch {
    // The same answer as for what is JSON and no object.
  }
  throw damaged('form');
}

function damaged(what: string): Failure {
  return new Failure('precondition', 'STATE_UNKNOWN', `the node's record of the volume has an unknown ${what}`);
}

async function writeRecord(file: string, fields: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const beside = asideOf(file);
  const handle = await open(beside, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ v: VERSION, ...fields })}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
  await syncDirectory(dirname(file));
}

/** With what a call that was killed while it wrote has left beside it. */
async function dropRecord(file: string): Promise<void> {
  await rm(file, { force: true });
  await rm(asideOf(file), { force: true });
}

function asideOf(file: string): string {
  return `${file}.new`;
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function dropIfEmpty(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY')) throw error;
  }
}
