/**
 * Two sites: a micro cluster each with a mirror daemon, and pools of one name at both. The witnesses are Ceph's own programs
 * at either site; the engine acts through a connection to each.
 *
 *     await using bed = await MirrorBed.start();
 *     await using pool = await bed.freshPool();
 */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../ceph/conf.ts';
import { type Bed, type BedEngine, engineBed } from '../engine-bed.ts';
import { MicroCeph, type TestPool } from '../micro-ceph.ts';

/**
 * The daemons look for new pools and for changed images each half minute, and the monitors commit once a second: tests that
 * are not about that wait less.
 */
const QUICK: Settings = {
  rbd_mirror_pool_replayers_refresh_interval: '2',
  rbd_mirror_image_state_check_interval: '3',
  paxos_propose_interval: '0.1',
};

export const EAST = 'east';
export const WEST = 'west';

export class MirrorBed implements AsyncDisposable {
  readonly east: MicroCeph;
  readonly west: MicroCeph;

  private constructor(east: MicroCeph, west: MicroCeph) {
    this.east = east;
    this.west = west;
  }

  /** `stock`: with Ceph's own intervals. */
  static async start(options: { readonly stock?: boolean } = {}): Promise<MirrorBed> {
    const settings = options.stock === true ? {} : QUICK;
    const east = await MicroCeph.start({ settings });
    try {
      const west = await MicroCeph.start({ settings });
      for (const ceph of [east, west]) await ceph.startMirror();
      return new MirrorBed(east, west);
    } catch (error) {
      await east.stop();
      throw error;
    }
  }

  /** A pool of one name at both sites, without any mirroring. */
  async freshPool(): Promise<MirrorPool> {
    const name = `pool-${randomBytes(4).toString('hex')}`;
    const pools = await Promise.all([this.east.freshPool(name), this.west.freshPool(name)]);
    const beds = [await engineBed(pools[0], identityAt(EAST)), await engineBed(pools[1], identityAt(WEST))] as const;
    return new MirrorPool(name, { pool: pools[0], bed: beds[0] }, { pool: pools[1], bed: beds[1] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.east.stop(), this.west.stop()]);
  }
}

function identityAt(site: string): { site: string; instance: string } {
  return { site, instance: 'test of mirroring' };
}

/** One side of a pool. */
export class MirrorSide {
  readonly name: string;
  readonly pool: TestPool;
  readonly bed: Bed;

  constructor(name: string, { pool, bed }: { pool: TestPool; bed: Bed }) {
    this.name = name;
    this.pool = pool;
    this.bed = bed;
  }

  get engine(): BedEngine {
    return this.bed.engine;
  }

  get ceph(): MicroCeph {
    return this.pool.ceph;
  }
}

export class MirrorPool implements AsyncDisposable {
  readonly name: string;
  readonly east: MirrorSide;
  readonly west: MirrorSide;

  constructor(name: string, east: { pool: TestPool; bed: Bed }, west: { pool: TestPool; bed: Bed }) {
    this.name = name;
    this.east = new MirrorSide(EAST, east);
    this.west = new MirrorSide(WEST, west);
  }

  get place(): { readonly pool: string; readonly namespace: string } {
    return { pool: this.name, namespace: '' };
  }

  /** Peers by Ceph's own program, for tests that are not about peering. */
  async peerByHand(): Promise<void> {
    for (const side of [this.east, this.west]) {
      await side.ceph.rbd('mirror', 'pool', 'enable', this.name, 'image', '--site-name', side.name);
    }
    const token = (await this.east.ceph.rbd('mirror', 'pool', 'peer', 'bootstrap', 'create', this.name)).trim();
    const file = `${this.west.ceph.dir}/token`;
    writeFileSync(file, token, { mode: 0o600 });
    await this.west.ceph.rbd('mirror', 'pool', 'peer', 'bootstrap', 'import', '--direction', 'rx-tx', this.name, file);
    rmSync(file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const side of [this.east, this.west]) {
      await side.bed[Symbol.asyncDispose]();
      await side.pool[Symbol.asyncDispose]();
    }
  }
}

/** Asks until the answer is right; throws with the last one after so many seconds. */
export async function eventually<T>(seconds: number, ask: () => Promise<T>, right: (answer: T) => boolean): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ; ) {
    const answer = await ask();
    if (right(answer)) return answer;
    if (Date.now() > end) {
      const text = JSON.stringify(answer, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
      throw new Error(`not so within ${seconds} s: ${text}`);
    }
    await sleep(200);
  }
}
