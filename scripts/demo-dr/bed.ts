/** What this demo plays on: two sites with Ceph and a mirror daemon each, an API server, the operator. All of it is gone at the end. */
import { DisasterBed } from '../../test/disaster/disaster-bed.ts';
import type { BlockWriter } from '../../test/support/mirror/block-writer.ts';
import type { MirrorPool } from '../../test/support/mirror/mirror-bed.ts';

export class Bed {
  #sites: DisasterBed | undefined;
  #pool: MirrorPool | undefined;
  /** Whoever writes at the moment. */
  writer: BlockWriter | undefined;

  get sites(): DisasterBed {
    if (this.#sites === undefined) throw new TypeError('the sites are not started');
    return this.#sites;
  }

  get pool(): MirrorPool {
    if (this.#pool === undefined) throw new TypeError('the pool is not made');
    return this.#pool;
  }

  async start(): Promise<void> {
    this.#sites = await DisasterBed.start();
    this.#pool = await this.sites.mirror.freshPool();
  }

  /** Ends everything, whatever state it is in. Done also when some or all has ended. */
  async end(): Promise<void> {
    await this.writer?.kill().catch(() => undefined);
    // The pool goes with its clusters, of which one may be frozen.
    for (const side of [this.#pool?.east, this.#pool?.west]) await side?.bed[Symbol.asyncDispose]();
    await this.#sites?.[Symbol.asyncDispose]();
    [this.writer, this.#pool, this.#sites] = [undefined, undefined, undefined];
  }
}
