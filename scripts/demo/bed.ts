/** What the demo plays on: a Ceph cluster, the driver as a process, a folder for mounts. All of it is gone at the end. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CsiClient } from '../../test/support/csi-client.ts';
import { Driver } from '../../test/support/driver.ts';
import { hostRemains, removeHostRemains } from '../../test/support/host-remains.ts';
import { MicroCeph } from '../../test/support/micro-ceph.ts';

export const POOL = 'rbd';
const USER = 'loligo';
/** The process id follows, so that a later demo knows whether anybody still needs the folder. */
const FOLDER = 'loligo-demo-';

export class Bed {
  /** Short, for a socket lies deep below it and its path may have 107 bytes. */
  readonly dir = mkdtempSync(join(tmpdir(), `${FOLDER}${process.pid}-`));
  #ceph: MicroCeph | undefined;
  #driver: Driver | undefined;
  readonly #removeAll = (): void => removeHostRemains(this.dir);

  constructor() {
    process.once('exit', this.#removeAll);
    removeOrphans();
  }

  get ceph(): MicroCeph {
    if (this.#ceph === undefined) throw new TypeError('the cluster is not started');
    return this.#ceph;
  }

  get csi(): CsiClient {
    if (this.#driver === undefined) throw new TypeError('the driver is not started');
    return this.#driver.csi;
  }

  async startCeph(): Promise<void> {
    this.#ceph = await MicroCeph.start();
  }

  /** The pool, and the user with the capabilities that docs/operations.md asks for. */
  async preparePool(): Promise<string> {
    await this.ceph.freshPool(POOL);
    return await this.ceph.createUser(USER, { mon: 'profile rbd', osd: `profile rbd pool=${POOL}` });
  }

  async startDriver(key: string): Promise<void> {
    const clusters = { demo: { monitors: this.ceph.monitors, user: USER, key } };
    this.#driver = await Driver.start({ role: 'standalone', clusters, dir: this.dir });
  }

  async stopDriver(): Promise<void> {
    await this.#driver?.stop();
    this.#driver = undefined;
  }

  async stopCeph(): Promise<void> {
    await this.#ceph?.stop();
    this.#ceph = undefined;
  }

  /** Mounts, loop devices and processes that are still there. */
  remains(): readonly string[] {
    return hostRemains(this.dir);
  }

  /** Ends everything, whatever state it is in. Done also when some or all has ended. */
  async end(): Promise<void> {
    await this.stopDriver();
    this.#removeAll();
    await this.stopCeph();
    process.off('exit', this.#removeAll);
  }
}

/** What demos left that were killed before they could clean up. */
function removeOrphans(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(FOLDER))) {
    const pid = Number(name.slice(FOLDER.length).split('-')[0]);
    if (!isAlive(pid)) removeHostRemains(join(tmpdir(), name));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
