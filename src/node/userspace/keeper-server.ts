/**
 * The mapper role's socket. Who may connect is root on this host, and still gets no more than daemons of volumes started
 * and ended: a request names a directory in the role's own state directory, and nothing else is taken from it.
 */
import { lstat, mkdir } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { Failure } from '#lib/failure';
import { field, parseJson } from '#lib/json';
import { KeyedLock } from '#lib/keyed-lock';
import type { Log } from '#lib/scope';
import { clearStale, dropSocket } from '#lib/unix-socket';
import { LIMITS } from '../limits.ts';
import { checkPath, volumesDir } from '../paths.ts';
import type { DaemonKeeper, KeeperAnswer, KeeperRequest } from './keeper.ts';

export interface KeeperPlace {
  readonly socket: string;
  /** The node role's, at the same path. */
  readonly stateDir: string;
}

export interface ServedKeeper {
  /** Takes no new requests and waits for those under way. The daemons go on. */
  stop(): Promise<void>;
}

/** The longest request there is has a fraction of this. */
const REQUEST_MAX = 256;
const ACTS = ['missing', 'start', 'end'] as const;
/** As `volumeDir` names them. */
const VOLUME = /^[0-9a-f]{32}$/;

/** Throws `invalid` or `precondition` when it cannot listen there. */
export async function serveKeeper(place: KeeperPlace, keeper: DaemonKeeper, log: Log): Promise<ServedKeeper> {
  const path = checkPath('--mapper-socket', place.socket);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await clearStale(path);
  const desk = new Desk(place.stateDir, keeper, log);
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
  readonly #keeper: DaemonKeeper;
  readonly #log: Log;
  readonly #locks = new KeyedLock();

  constructor(stateDir: string, keeper: DaemonKeeper, log: Log) {
    this.#stateDir = stateDir;
    this.#keeper = keeper;
    this.#log = log;
  }

  /** One request and its answer. Never rejects. */
  async serve(socket: Socket): Promise<void> {
    socket.on('error', () => undefined); // Whoever hangs up asks again, and looks first.
    const timer = setTimeout(() => socket.destroy(), LIMITS.keeper);
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
      const request = readRequest(line);
      const answer = await this.#obey(request);
      this.#log.info(request, 'request is done');
      return answer;
    } catch (error) {
      this.#log.error({ err: error }, 'request failed');
      if (error instanceof Failure) return { done: false, reason: error.reason, message: error.message };
      return { done: false, reason: 'UNFORESEEN', message: 'see the log of the mapper role' };
    }
  }

  async #obey({ act, volume }: KeeperRequest): Promise<KeeperAnswer> {
    if (act === 'missing') {
      const missing = await this.#keeper.missing();
      return missing === undefined ? { done: true } : { done: true, missing };
    }
    if (!VOLUME.test(volume)) throw refused('it names no volume');
    const dir = join(volumesDir(this.#stateDir), volume);
    const release = this.#locks.take([`volume/${volume}`], act);
    try {
      if (act === 'start') await checkDirectory(dir);
      await this.#keeper[act](dir);
      return { done: true };
    } finally {
      release();
    }
  }
}

/** The daemon's log is opened in it, as root: a directory of our own, and not what a link leads to. */
async function checkDirectory(dir: string): Promise<void> {
  for (const path of [dirname(dir), dir]) {
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined || !found.isDirectory()) throw refused('the volume has no directory here');
    if (found.uid !== process.geteuid?.() || (found.mode & 0o022) !== 0)
      throw refused("others may write to the volume's directory");
  }
}

function readRequest(line: string): KeeperRequest {
  const request = parseJson(line);
  const act = ACTS.find((known) => known === field(request, 'act'));
  const volume = field(request, 'volume');
  if (act === undefined || typeof volume !== 'string') throw refused('it is of no known form');
  return { act, volume };
}

function refused(why: string): Failure {
  return new Failure('invalid', 'MAPPER_REFUSED', `the mapper role refuses the request: ${why}`);
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
