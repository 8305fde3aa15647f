/**
 * Keeps rbd-nbd as a child of this process, in a session of its own, which outlives us where nothing ends our PID namespace
 * with us. It reads its key from a file that has no name and lies in memory, which is emptied once it serves.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rm, statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { isErrno } from '../errno.ts';
import type { NbdKeeper, NbdOrder } from '../keeper/keeper.ts';
import { LIMITS } from '../limits.ts';
import { endProcesses, findProcesses, killProcesses, refuseSecond } from '../processes.ts';
import { type Ended, run, startDetached } from '../run.ts';
import { confOf, logOf, PROGRAM } from './files.ts';

const MEMORY = '/dev/shm';
const TMPFS = 0x01021994;
/** A file of no name: the flag that the kernel has for it, which Node has no name for. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
/** Seconds that I/O waits for another process when one has ended; then it fails. Time enough to make a pod anew. */
const REATTACH = 300;
/** What it prints when it serves. */
const SERVING = /^\/dev\/nbd[0-9]+$/m;

export class LocalNbdKeeper implements NbdKeeper {
  readonly #ended: (dir: string, how: Ended) => void;

  /** `ended` is told of each process of ours that ends while we are there. */
  constructor(ended: (dir: string, how: Ended) => void = () => undefined) {
    this.#ended = ended;
  }

  async missing(): Promise<string | undefined> {
    const memory = await statfs(MEMORY).catch(() => undefined);
    if (memory?.type !== TMPFS) return `a file system in memory at ${MEMORY}`;
    try {
      await run(PROGRAM, ['--version'], { limit: LIMITS.look });
    } catch {
      return PROGRAM;
    }
    return undefined;
  }

  async serve(dir: string, order: NbdOrder): Promise<string | undefined> {
    await refuseSecond(confOf(dir));
    await rm(logOf(dir), { force: true });
    await using keyring = await inMemory(`[client.${order.user}]\n\tkey = ${order.key}\n`);
    try {
      await startDetached(PROGRAM, argumentsOf(dir, order), {
        logFile: logOf(dir),
        file: keyring.fd,
        ended: (how) => this.#ended(dir, how),
      });
      return await outcome(dir);
    } finally {
      await keyring.truncate();
    }
  }

  end(dir: string): Promise<void> {
    return endProcesses(confOf(dir));
  }
}

/** `/proc/self/fd/3` in its configuration is this file. */
async function inMemory(content: string): Promise<FileHandle> {
  const file = await open(MEMORY, O_TMPFILE | constants.O_RDWR, 0o600);
  await file.writeFile(content);
  return file;
}

function argumentsOf(dir: string, { image, readonly, exclusive, label, device, user }: NbdOrder): readonly string[] {
  return [
    ...(device === '' ? ['map', image] : ['attach', image, '--device', device]),
    ...['--conf', confOf(dir), '--id', user, '-f'],
    ...['--try-netlink', '--cookie', label, '--reattach-timeout', String(REATTACH)],
    ...(readonly ? ['--read-only'] : []),
    ...(exclusive ? ['--exclusive'] : []),
  ];
}

/** Undefined when it serves; else what it said before it ended. One that does neither in time is killed. */
async function outcome(dir: string): Promise<string | undefined> {
  for (const until = Date.now() + LIMITS.serve; Date.now() < until; await sleep(20)) {
    const isThere = (await findProcesses(confOf(dir))).length > 0;
    const said = await readLog(dir); // Read after it was looked for: what it said at its end is in it.
    if (SERVING.test(said)) return undefined;
    if (!isThere) return said.trim();
  }
  await killProcesses(confOf(dir));
  throw new Failure('unfinished', 'DAEMON_SILENT', `${PROGRAM} did not map the image in ${LIMITS.serve} ms`);
}

async function readLog(dir: string): Promise<string> {
  try {
    return await readFile(logOf(dir), 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  }
}
