/**
 * The mapper role's socket. Who may connect is root on this host, and still gets no more than the two programs started and
 * ended, for volumes: a request names a directory in the role's own state directory, never a path.
 */
import { lstat, mkdir } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { Failure } from '#lib/failure';
import { KeyedLock } from '#lib/keyed-lock';
import type { Log } from '#lib/scope';
import { clearStale, dropSocket } from '#lib/unix-socket';
import { LIMITS } from '../limits.ts';
import { checkPath, volumesDir } from '../paths.ts';
import type { KeeperAnswer, KeeperRequest, Keepers } from './keeper.ts';
import { REQUEST_MAX, readKeeperRequest, refused } from './read-request.ts';

export interface KeeperPlace {
  readonly socket: string;
  /** The node role's, at the same path. */
  readonly stateDir: string;
}

export interface ServedKeeper {
  /** Takes no new requests and waits for those under way. The daemons go on. */
  stop(): Promise<void>;
}

/** Throws `invalid` or `precondition` when it cannot listen there. */
export async function serveKeeper(place: KeeperPlace, keepers: Keepers, log: Log): Promise<ServedKeeper> {
  const path = checkPath('--mapper-socket', place.socket);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await clearStale(path);
  const desk = new Desk(place.stateDir, keepers, log);
  const underWay = new Set<Promise<void>>();
  const server = createServer((socket) => {
    const work = desk.serve(socket).finally(() => underWay.delete(work));
    underWay.add(work);
  });
  await listen(server, path);
  return {
    stop: async () => {
      server.close();
      await Promise.all(underWay);
      dropSocket(path);
    },
  };
}

class Desk {
  readonly #stateDir: string;
  readonly #keepers: Keepers;
  readonly #log: Log;
  readonly #locks = new KeyedLock();

  constructor(stateDir: string, keepers: Keepers, log: Log) {
    this.#stateDir = stateDir;
    this.#keepers = keepers;
    this.#log = log;
  }

  /** One request and its answer. Never rejects. */
  async serve(socket: Socket): Promise<void> {
    socket.on('error', () => undefined); // Whoever hangs up asks again, and looks first.
    const timer = setTimeout(() => socket.destroy(), LIMITS.keeperMap);
    try {
      const line = await readLine(socket);
      if (line !== undefined) socket.end(`${JSON.stringify(await this.#answer(line))}\n`);
    } finally {
      clearTimeout(timer);
      socket.destroySoon();
    }
  }

  async #answer(line: string): Promise<KeeperAnswer> {
    try {
      const request = readKeeperRequest(line);
      const answer = await this.#obey(request);
      const { act, volume } = request; // Never the order, which has a key.
      this.#log.info({ act, volume, complaint: 'complaint' in answer ? answer.complaint : undefined }, 'request is done');
      return answer;
    } catch (error) {
      this.#log.error({ err: error }, 'request failed');
      if (error instanceof Failure) return { done: false, reason: error.reason, message: error.message };
      return { done: false, reason: 'UNFORESEEN', message: 'see the log of the mapper role' };
    }
  }

  async #obey(request: KeeperRequest): Promise<KeeperAnswer> {
    const { daemon, nbd } = this.#keepers;
    if (request.act === 'missing') return lacking(await daemon.missing());
    if (request.act === 'nbd-missing') return lacking(await nbd.missing());
    const dir = join(volumesDir(this.#stateDir), request.volume);
    const release = this.#locks.take([`volume/${request.volume}`], request.act);
    try {
      return await this.#obeyOn(dir, request);
    } finally {
      release();
    }
  }

  async #obeyOn(dir: string, { act, order }: KeeperRequest): Promise<KeeperAnswer> {
    const { daemon, nbd } = this.#keepers;
    if (act === 'end') await daemon.end(dir);
    if (act === 'nbd-end') await nbd.end(dir);
    if (act === 'start' || act === 'nbd-serve') await checkDirectory(dir);
    if (act === 'start') await daemon.start(dir);
    if (act !== 'nbd-serve' || order === undefined) return { done: true };
    const complaint = await nbd.serve(dir, order);
    return complaint === undefined ? { done: true } : { done: true, complaint };
  }
}

function lacking(missing: string | undefined): KeeperAnswer {
  return missing === undefined ? { done: true } : { done: true, missing };
}

/** The program's log is opened in it, as root: a directory of our own, and not what a link leads to. */
async function checkDirectory(dir: string): Promise<void> {
  for (const path of [dirname(dir), dir]) {
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined || !found.isDirectory()) throw refused('the volume has no directory here');
    if (found.uid !== process.geteuid?.() || (found.mode & 0o022) !== 0)
      throw refused("others may write to the volume's directory");
  }
}

/** `undefined` when the other side hangs up before a line is complete, or sends too much. */
function readLine(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > REQUEST_MAX) resolve(undefined);
    });
    socket.once('close', () => resolve(undefined));
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new Failure('precondition', 'SOCKET_UNAVAILABLE', `cannot listen on ${path}`, { cause }));
    });
    // The socket must not be open to others even for the moment until its mode could be changed: bound in this very call.
    const before = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(before);
  });
}
