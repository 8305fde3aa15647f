/**
 * A driver of its own for one test, on a place of its own: `await using bed = await DriverBed.open(pool)`. The logical
 * cluster's name is the bed's own too, so that its reaper leaves alone what other tests keep in the shared cluster.
 */
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CsiClient, CsiError, type Message } from './csi-client.ts';
import { type ClusterEntry, Driver, type DriverOptions, writeClusters } from './driver.ts';
import { type MicroCeph, RUN, type TestPool } from './micro-ceph.ts';

/** Codes that leave the outcome open: the sidecars ask again, and so do tests. */
export const NOT_FINAL = ['ABORTED', 'UNAVAILABLE', 'DEADLINE_EXCEEDED'] as const;

const BLOCK = { block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } };

export interface BedOptions extends Pick<DriverOptions, 'role' | 'options'> {
  /** Clusters that the driver serves besides the bed's own. */
  readonly clusters?: DriverOptions['clusters'];
  /** The name of the bed's own cluster, when it matters. */
  readonly cluster?: string;
  /** Who the driver is to its own cluster; a user of its own when not given. */
  readonly entry?: ClusterEntry;
}

export class DriverBed implements AsyncDisposable {
  readonly pool: TestPool;
  /** The logical cluster's name in every handle. */
  readonly cluster: string;
  readonly entry: ClusterEntry;
  /** Replaced by `crash`. */
  driver: Driver;
  readonly #options: DriverOptions;

  private constructor(pool: TestPool, at: { cluster: string; entry: ClusterEntry; driver: Driver; options: DriverOptions }) {
    this.pool = pool;
    this.cluster = at.cluster;
    this.entry = at.entry;
    this.driver = at.driver;
    this.#options = at.options;
  }

  static async open(pool: TestPool, bedOptions: BedOptions = {}): Promise<DriverBed> {
    const { cluster = `c-${randomBytes(3).toString('hex')}`, clusters = {}, ...others } = bedOptions;
    const { entry = await anEntry(pool.ceph), ...settings } = others;
    const options: DriverOptions = { role: 'controller', ...settings, clusters: { [cluster]: entry, ...clusters } };
    const driver = await Driver.start({ ...options, dir: mkdtempSync(join(tmpdir(), 'loligo-bed-')) });
    return new DriverBed(pool, { cluster, entry, driver, options });
  }

  get csi(): CsiClient {
    return this.driver.csi;
  }

  /** SIGKILL to the driver and its agents at one moment, as when a node loses power; then another in its place. */
  async crash(): Promise<void> {
    // An agent that only lost its driver would wait for the C calls that it is in: no cut in the middle of one.
    for (const agent of this.driver.agents()) process.kill(agent, 'SIGKILL');
    await this.driver.kill();
    this.driver = await Driver.start({ ...this.#options, dir: this.driver.dir });
  }

  /** A further driver with the same options and a socket of its own; the caller disposes of it. */
  startAnother(): Promise<Driver> {
    return Driver.start(this.#options);
  }

  /** Changes the cluster configuration under the running driver, and waits until it has looked: four times a second. */
  async configure(clusters: DriverOptions['clusters']): Promise<void> {
    writeClusters(this.driver.dir, clusters);
    await sleep(300);
  }

  /** What CreateVolume is asked for a volume of that name: 64 MiB, block, in this bed's place. */
  volume(name: string, differs: object = {}): object {
    return { name, ...aVolumeIn(this.cluster, this.pool), ...differs };
  }

  handle(name: string): string {
    return `${this.cluster}/${this.pool.spec}/${name}`;
  }

  /** Creates the volume however often it takes, and gives its handle. */
  async create(name: string, differs: object = {}): Promise<string> {
    const { volume } = await untilOk(() => this.csi.call('CreateVolume', this.volume(name, differs)));
    return volume.volumeId;
  }

  async snapshot(name: string, volume: string): Promise<string> {
    const { snapshot } = await untilOk(() => this.csi.call('CreateSnapshot', { name, sourceVolumeId: volume }));
    return snapshot.snapshotId;
  }

  /** Grows the volume of that name, however often it takes. */
  async expand(name: string, bytes: number): Promise<void> {
    const request = { volumeId: this.handle(name), capacityRange: { requiredBytes: String(bytes) } };
    await untilOk(() => this.csi.call('ControllerExpandVolume', request));
  }

  async delete(volume: string): Promise<void> {
    await untilOk(() => this.csi.call('DeleteVolume', { volumeId: volume }));
  }

  /** Deletes also what a dead client still watches: an OSD forgets it after half a minute. */
  async deleteInTime(volume: string): Promise<void> {
    const isWatched = (error: unknown): boolean => error instanceof CsiError && error.status === 'FAILED_PRECONDITION';
    for (const end = Date.now() + 60_000; ; ) {
      try {
        return await this.delete(volume);
      } catch (error) {
        if (!isWatched(error) || Date.now() > end) throw error;
        await sleep(1000);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { dir } = this.driver;
    await this.driver.stop();
    keepLog(dir, this.cluster);
    rmSync(dir, { recursive: true, force: true });
    await this.pool.ceph.ceph('auth', 'rm', `client.${this.entry.user}`);
  }
}

/** Where the log of each bed's driver lies afterwards, by the name of its cluster. */
const LOGS = join(RUN, 'driver-logs');

/** What a driver wrote outlives it, for whoever looks into a failure. */
function keepLog(dir: string, cluster: string): void {
  mkdirSync(LOGS, { recursive: true });
  copyFileSync(join(dir, 'driver.log'), join(LOGS, `${cluster}.log`));
}

/** A user with the least capabilities that every pool of the cluster needs. */
export async function anEntry(ceph: MicroCeph, osd = 'profile rbd'): Promise<ClusterEntry> {
  const user = `driver-${randomBytes(3).toString('hex')}`;
  const key = await ceph.createUser(user, { mon: 'profile rbd', osd });
  return { monitors: ceph.monitors, user, key };
}

export function aVolumeIn(cluster: string, pool: Pick<TestPool, 'name' | 'namespace'>): object {
  const namespace = pool.namespace === '' ? {} : { namespace: pool.namespace };
  return {
    capacityRange: { requiredBytes: String(2 ** 26) },
    volumeCapabilities: [BLOCK],
    parameters: { cluster, pool: pool.name, ...namespace },
  };
}

/** Asks until the answer is OK, as a sidecar does; any final code is thrown at once, the last one at the end. */
export async function untilOk<T>(ask: () => Promise<T>, seconds = 60): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ; ) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof CsiError) || !isNotFinal(error.status) || Date.now() > end) throw error;
      await sleep(200);
    }
  }
}

export function isNotFinal(status: string): boolean {
  return NOT_FINAL.some((code) => code === status);
}

/** How a call ended, and after how many milliseconds. */
export interface Answered {
  readonly status: string;
  readonly details: string;
  readonly took: number;
  readonly value: Message;
}

export async function answerOf(call: Promise<Message>): Promise<Answered> {
  const began = performance.now();
  const took = (): number => performance.now() - began;
  try {
    const value = await call;
    return { status: 'OK', details: '', took: took(), value };
  } catch (error) {
    if (!(error instanceof CsiError)) throw error;
    return { status: error.status, details: error.message, took: took(), value: undefined };
  }
}
