/** Has the kernel take a network block device away, as N5 of the mapper wants it. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { tryReading } from '../cut-off.ts';
import { isErrno } from '../errno.ts';
import { heldByOthers, holdersOf, refuseMounted } from '../held.ts';
import { LIMITS } from '../limits.ts';
import type { Device } from '../mapper.ts';
import { findProcesses } from '../processes.ts';
import { run } from '../run.ts';
import { PROGRAM } from './files.ts';

/** udev looks into each new device for a moment. */
const LET_GO_MS = 2_000;

interface Leaving {
  readonly conf: string;
  readonly isAlive: boolean;
  readonly isGone: () => Promise<boolean>;
}

/** Throws `unfinished` while anybody has the device, or what was written to it is not in Ceph. */
export async function letGo(device: Device, { conf, isAlive, isGone }: Leaving): Promise<void> {
  await refuseMounted(device);
  await writeOut(device, isAlive);
  for (const until = Date.now() + LET_GO_MS; ; await sleep(50)) {
    // The process that serves the device has it open too.
    const own = await findProcesses(conf);
    if (await isFree(device, own)) await disconnect(device, conf, isGone);
    if (await isGone()) return;
    if (Date.now() > until) throw await heldByOthers(device, own);
  }
}

/** Throws `unfinished` while that waits for Ceph. What a client that was cut off, or no process at all, cannot write is lost. */
async function writeOut(device: Device, isAlive: boolean): Promise<void> {
  const { exit, stderr } = await run('blockdev', ['--flushbufs', device.path], { limit: LIMITS.unmap, accept: [0, 1] });
  if (exit === 0 || !isAlive || (await tryReading(device)) === 'errors') return;
  throw new Failure('unfinished', 'PROGRAM_FAILED', `what was written to ${device.path} is not in Ceph yet: ${stderr}`);
}

/** A mount in any namespace, device-mapper and the like have a device for themselves; others are seen only where we are. */
async function isFree(device: Device, own: readonly number[]): Promise<boolean> {
  try {
    const alone = await open(device.path, constants.O_RDONLY | constants.O_EXCL);
    await alone.close();
  } catch (error) {
    if (isErrno(error, 'EBUSY')) return false;
    throw error;
  }
  return (await holdersOf(device, own)).length === 0;
}

/** The program waits for the process too, which may wait for Ceph: only the device counts. */
async function disconnect(device: Device, conf: string, isGone: () => Promise<boolean>): Promise<void> {
  const asked = run(PROGRAM, ['unmap', device.path, '--conf', conf], { limit: LIMITS.unmap, accept: [0, 1] });
  let hasEnded = false;
  const ended = asked.catch(() => undefined).finally(() => (hasEnded = true));
  while (!hasEnded && !(await isGone())) await Promise.race([ended, sleep(50)]);
}
