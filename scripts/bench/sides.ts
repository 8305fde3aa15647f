/** The sides of the comparison: the driver through gRPC, and plain librbd; each runs a round and answers its times. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Driver } from '../../test/support/driver.ts';
import type { MicroCeph } from '../../test/support/micro-ceph.ts';
import { type Act, cloneOf, LARGER, nameOf, type Round, restoredOf, SIZE, snapshotOf, type Where } from './acts.ts';
import { type Load, runLoad } from './load.ts';
import type { FromPlain, ToPlain } from './plain-librbd.ts';

export interface Side {
  readonly name: string;
  run(round: Round): Promise<Load>;
}

/** As many as an agent has. */
const THREADS = 32;

export class PlainLibrbd implements Side, Disposable {
  readonly name = 'librbd';
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(ceph: MicroCeph, where: Where): Promise<PlainLibrbd> {
    const child = fork(join(import.meta.dirname, 'plain-librbd.ts'), {
      serialization: 'advanced',
      env: { ...process.env, UV_THREADPOOL_SIZE: String(THREADS), MALLOC_ARENA_MAX: '2' },
    });
    const side = new PlainLibrbd(child);
    const key = (await ceph.ceph('auth', 'print-key', 'client.admin')).trim();
    await side.#ask({ say: 'connect', monitors: ceph.monitors, key, where });
    return side;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async run(round: Round): Promise<Load> {
    const { load } = await this.#ask({ say: 'run', round });
    if (load === undefined) throw new Error('plain librbd answered nothing');
    return load;
  }

  async #ask(message: ToPlain): Promise<FromPlain> {
    const answered = once(this.#child, 'message');
    this.#child.send(message);
    const [answer]: [FromPlain] = (await answered) as [FromPlain]; // the only thing that this child sends
    if (answer.error !== undefined) throw new Error(`plain librbd: ${answer.error}`);
    return answer;
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

export class ThroughGrpc implements Side {
  readonly name = 'Loligo';
  readonly #driver: Driver;
  readonly #where: Where;

  constructor(driver: Driver, where: Where) {
    this.#driver = driver;
    this.#where = where;
  }

  async run({ act, series, count, atOnce, first = 0 }: Round): Promise<Load> {
    return await runLoad(count, atOnce, (index) => this.#acts[act](series, first + index));
  }

  /** The id that a volume of this name has: the handle follows from the name. */
  id(name: string): string {
    const { pool, namespace } = this.#where;
    return ['prod', pool, namespace, name].filter((part) => part !== '').join('/');
  }

  #create(name: string, source?: object): Promise<unknown> {
    const { pool, namespace } = this.#where;
    return this.#driver.csi.call('CreateVolume', {
      name,
      capacityRange: { requiredBytes: String(SIZE) },
      volumeCapabilities: [{ mount: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } }],
      parameters: { pool, ...(namespace === '' ? {} : { namespace }) },
      ...(source === undefined ? {} : { volumeContentSource: source }),
    });
  }

  readonly #acts: Readonly<Record<Act, (series: string, index: number) => Promise<unknown>>> = {
    create: (series, index) => this.#create(nameOf(series, index)),
    snapshot: (series, index) =>
      this.#driver.csi.call('CreateSnapshot', {
        sourceVolumeId: this.id(nameOf(series, index)),
        name: snapshotOf(series, index),
      }),
    restore: (series, index) =>
      this.#create(restoredOf(series, index), {
        snapshot: { snapshotId: `${this.id(nameOf(series, index))}@${snapshotOf(series, index)}` },
      }),
    clone: (series, index) => this.#create(cloneOf(series, index), { volume: { volumeId: this.id(nameOf(series, index)) } }),
    expand: (series, index) =>
      this.#driver.csi.call('ControllerExpandVolume', {
        volumeId: this.id(nameOf(series, index)),
        capacityRange: { requiredBytes: String(LARGER) },
      }),
    delete: (series, index) => this.#driver.csi.call('DeleteVolume', { volumeId: this.id(nameOf(series, index)) }),
  };
}
