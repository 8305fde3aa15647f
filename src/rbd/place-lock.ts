/**
 * Locks of a place, for what two clients at once would spoil. Two that remove one image at once leave something: who opens
 * it while the other removes it makes its header anew by locking that.
 *
 * A lock has an end, which its holder puts off while it is at work: a client that was killed holds up the others for
 * seconds, and needs nobody to break it. A holder that could not put it off in time sees that it has lost it.
 */
import { randomUUID } from 'node:crypto';
import { type IoContext, type ObjectLock, releaseLock, renewLock, takeLock } from '#ceph';
import type { Log } from '#lib/scope';
import { WORK } from './work-index.ts';

const HELD_SECONDS = 10;
const RENEW_MS = 2500;
/** How long before its end a lock is not relied on any more. */
const MARGIN_MS = 2000;

export class PlaceLock implements AsyncDisposable {
  readonly #io: IoContext;
  readonly #lock: ObjectLock;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #surelyUntil: number;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(io: IoContext, lock: ObjectLock, held: { log: Log; since: number }) {
    this.#io = io;
    this.#lock = lock;
    this.#log = held.log;
    this.#surelyUntil = endOf(held.since);
    this.#timer = setInterval(() => {
      this.#renewing = this.#renew();
    }, RENEW_MS);
  }

  /** Undefined while another holds it. */
  static async tryTake(io: IoContext, name: string, log: Log): Promise<PlaceLock | undefined> {
    const lock: ObjectLock = { object: WORK, name, cookie: randomUUID() };
    const since = Date.now();
    return (await takeLock(io, lock, HELD_SECONDS)) ? new PlaceLock(io, lock, { log, since }) : undefined;
  }

  /** Nothing more may be begun under it. */
  get isLost(): boolean {
    return Date.now() > this.#surelyUntil;
  }

  async #renew(): Promise<void> {
    const since = Date.now();
    try {
      this.#surelyUntil = (await renewLock(this.#io, this.#lock, HELD_SECONDS)) ? endOf(since) : 0;
    } catch (error) {
      this.#log.warn({ lock: this.#lock.name, err: error }, 'a lock could not be prolonged; it is tried again');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    await releaseLock(this.#io, this.#lock);
  }
}

function endOf(since: number): number {
  return since + HELD_SECONDS * 1000 - MARGIN_MS;
}
