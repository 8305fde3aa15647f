/**
 * Looks for devices that have lost the process behind them and wait for another one, and has their mapper start it. Only
 * with what the node is configured with: the key of a class's own secrets comes with the next NodeStageVolume.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterConnection } from '#lib/cluster-config';
import { parseVolume } from '#lib/handle';
import { inParallel } from '#lib/in-parallel';
import type { KeyedLock } from '#lib/keyed-lock';
import type { Log } from '#lib/scope';
import { isErrno } from './errno.ts';
import { type NodeHost, volumeLock } from './host.ts';
import type { Mapped } from './mapper.ts';
import { volumesDir } from './paths.ts';
import { readStash, type Stash } from './stash.ts';

/** Milliseconds; what reads or writes meanwhile stands still. */
const EVERY_MS = 3_000;
/**
 * From when a device was first seen without its process. A node that is away for longer may have lost the volume to another one, and
 * what its file system still holds must not be written over what that has done since. Kubernetes takes a volume by force after six minutes.
 */
const WITHIN_MS = 120_000;
const AT_ONCE = 8;

export interface Healing {
  readonly host: NodeHost;
  /** Of a cluster's name. Throws when it is not configured here. */
  readonly connect: (cluster: string) => ClusterConnection;
  readonly locks: KeyedLock;
  readonly log: Log;
}

export class Healer {
  readonly #with: Healing;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #isStopped = false;
  /** When it was first seen dead, by the volume's directory. */
  readonly #since = new Map<string, number>();

  constructor(healing: Healing) {
    this.#with = healing;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  /** The round under way is waited for. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#round;
  }

  #look(): void {
    this.#round ??= this.#heal()
      .catch((error) => this.#with.log.error({ err: error }, 'looking for devices without a process failed'))
      .finally(() => {
        this.#round = undefined;
      });
  }

  async #heal(): Promise<void> {
    const { host } = this.#with;
    if (!host.mappers.some(({ heal }) => heal !== undefined)) return;
    const dirs = (await namesIn(volumesDir(host.stateDir))).map((name) => join(volumesDir(host.stateDir), name));
    // One cluster that is away keeps no volume of another waiting.
    await inParallel(dirs, AT_ONCE, (dir) => this.#healVolume(dir));
  }

  async #healVolume(dir: string): Promise<void> {
    const { host, connect, locks, log } = this.#with;
    const stash = await readStash(dir).catch(() => undefined); // Who works on the volume says what is wrong with it.
    const mapper = host.mappers.find(({ name }) => name === stash?.mapper);
    if (this.#isStopped || stash === undefined || mapper?.heal === undefined) return;
    let release: (() => void) | undefined;
    try {
      if (!this.#isToHeal(dir, await mapper.find(dir))) return;
      release = take(locks, stash);
      if (release === undefined) return; // A call works on the volume; that may be all it needs.
      const { cluster } = parseVolume(stash.handle) ?? { cluster: '' };
      // Looked at again: a call may have been at it until its lock was taken.
      const device = (await mapper.find(dir)).state === 'dead' ? await mapper.heal(dir, connect(cluster)) : undefined;
      if (device !== undefined) log.info({ volume: stash.handle, device: device.path }, 'a process serves the device again');
    } catch (error) {
      log.error({ err: error, volume: stash.handle }, 'no process could be started for the device');
    } finally {
      release?.();
    }
  }

  #isToHeal(dir: string, { state }: Mapped): boolean {
    if (state !== 'dead') {
      this.#since.delete(dir);
      return false;
    }
    const since = this.#since.get(dir) ?? Date.now();
    this.#since.set(dir, since);
    return Date.now() - since < WITHIN_MS;
  }
}

/** Undefined while somebody else holds it. */
function take(locks: KeyedLock, { handle }: Stash): (() => void) | undefined {
  try {
    return locks.take([volumeLock(handle)], 'healing');
  } catch {
    return undefined;
  }
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
