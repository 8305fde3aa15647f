/**
 * One pass of housekeeping at a time in a place, however many controllers there are. Two that purge one image at once
 * would leave something: who opens it while the other removes it makes its header anew by locking that.
 *
 * A lock with an end, which its holder puts off while the pass goes on: a controller that was killed holds up the others
 * for seconds, and needs nobody to break it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdLock, type IoContext, type ObjectLock, releaseLock } from '#ceph';
import type { EngineScope } from './engine-scope.ts';

const HELD_SECONDS = 10;
const RENEW_MS = 2500;
const ASK_AGAIN_MS = 500;

/** Waits for the turn, as long as that takes. */
export async function takeTurn(io: IoContext, scope: EngineScope): Promise<AsyncDisposable> {
  const lock: ObjectLock = { object: 'loligo.work', name: 'reaper', cookie: randomUUID() };
  while (!(await holdLock(io, lock, HELD_SECONDS))) {
    scope.progress();
    await sleep(ASK_AGAIN_MS);
  }
  const renewal = setInterval(() => {
    holdLock(io, lock, HELD_SECONDS).catch((error) =>
      scope.log.warn({ err: error }, 'the turn to keep house could not be prolonged'),
    );
  }, RENEW_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(renewal);
      await releaseLock(io, lock);
    },
  };
}
