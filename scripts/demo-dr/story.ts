/** The story: a volume that somebody writes to moves to the other site and back; then its site is lost, and comes back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { condition } from '../../test/disaster/disaster-bed.ts';
import type { Kind, MicroCeph } from '../../test/support/micro-ceph.ts';
import { BlockWriter, Written } from '../../test/support/mirror/block-writer.ts';
import type { MirrorSide } from '../../test/support/mirror/mirror-bed.ts';
import { MiB } from '../../test/support/volume-specs.ts';
import type { Teller } from '../demo/teller.ts';
import type { Bed } from './bed.ts';

const VOLUME = 'ledger';
/** As the bed makes volumes. */
const SIZE = 32n * MiB;
const DAEMONS: readonly Kind[] = ['rbd-mirror', 'osd', 'mgr', 'mon'];

export interface Measured {
  readonly moves: readonly { readonly to: string; readonly writes: number; readonly seconds: number }[];
  readonly forced: {
    readonly shown: string;
    readonly writes: number;
    readonly lost: number;
    /** Of writes, by their times. */
    readonly lostSeconds: number;
    readonly seconds: number;
  };
  readonly returned: number;
}

export async function tellStory(bed: Bed, teller: Teller): Promise<Measured> {
  const story = new Story(bed, teller);
  await story.setTheStage();
  const moves = [await story.moves(bed.pool.east, bed.pool.west, 2), await story.moves(bed.pool.west, bed.pool.east, 3)];
  const forced = await story.loses();
  const returned = await story.comesBack();
  await story.takeDown();
  return { moves, forced, returned };
}

class Story {
  readonly #bed: Bed;
  readonly #teller: Teller;
  readonly #written = new Written(SIZE);

  constructor(bed: Bed, teller: Teller) {
    this.#bed = bed;
    this.#teller = teller;
  }

  async setTheStage(): Promise<void> {
    const { step, show } = this.#tell();
    this.#teller.heading('Two sites');
    await step('east and west: Ceph with a mirror daemon each; an API server; loligo operator', () => this.#bed.start());
    const { sites, pool } = this.#bed;
    await step(`a volume of ${SIZE / MiB} MiB in a pool of one name at both`, () => sites.createVolumes(pool, [VOLUME]));
    await step('kubectl apply: a MirrorPolicy, primary at east, a snapshot each 5 s', () => sites.apply(pool));
    await step('the operator makes the pools peers, mirrors the volume, and it is safe', () => this.#untilSafe());
    show('kubectl get mirrorpolicies', await this.#lines());
  }

  /** Planned: nothing may be lost. */
  async moves(from: MirrorSide, to: MirrorSide, epoch: number): Promise<Measured['moves'][number]> {
    const { sites, pool } = this.#bed;
    const { step } = this.#tell();
    this.#teller.heading(`A planned move to ${to.name}${epoch === 3 ? ', asked for straight after the one before' : ''}`);
    const before = this.#written.count;
    await step(`somebody writes at ${from.name}, block after block`, () => this.#writeFor(from, 3000));
    await step(`kubectl patch: primarySite ${to.name}, epoch ${epoch}`, () => sites.patch(pool, { primarySite: to.name, epoch }));
    await step('the move waits while the volume is in use', () =>
      sites.until(pool, ({ step: now }) => now?.name === 'Demote' && now.blockedBy !== undefined),
    );
    await step('the writer is stopped, after its last acknowledged write', async () => await this.#bed.writer?.stop());
    this.#bed.writer = undefined;
    const stopped = performance.now();
    await step(`demoted, arrived whole, promoted at ${to.name}`, () => sites.until(pool, (status) => status.epoch === epoch));
    const seconds = (performance.now() - stopped) / 1000;
    await step('every acknowledged block is there, the last one too', () => this.#written.checkAt(to.pool, VOLUME));
    return { to: to.name, writes: this.#written.count - before, seconds };
  }

  async loses(): Promise<Measured['forced']> {
    const { sites, pool } = this.#bed;
    const { step, show } = this.#tell();
    this.#teller.heading('East is lost');
    await this.#untilSafe();
    await step('somebody writes at east', () => this.#writeFor(pool.east, 12_000));
    show('kubectl get mirrorpolicies', await this.#lines());
    await step('every daemon of east is held still, and its writer is gone', async () => {
      for (const kind of DAEMONS) pool.east.ceph.pause(kind);
      await this.#bed.writer?.kill();
    });
    this.#bed.writer = undefined;
    const [writes, lostAt] = [this.#written.count, Date.now()];
    await step('kubectl patch: primarySite west, epoch 4', () => sites.patch(pool, { primarySite: 'west', epoch: 4 }));
    const refused = await step('it is refused: nobody has accepted a loss', () =>
      sites.until(pool, (status) => condition(status, 'Blocked') === 'True PeerUnreachable'),
    );
    const shown = refused.lossIfForced ?? 'unknown';
    const accepted = performance.now();
    await step('kubectl patch: a loss of up to a minute is accepted, for this epoch', () =>
      sites.patch(pool, { acceptDataLoss: { epoch: 4, upTo: '60s', unknown: true } }),
    );
    await step('east is silent for long enough; promoted at west by force', () =>
      sites.until(pool, ({ epoch }) => epoch === 4, 240),
    );
    const seconds = (performance.now() - accepted) / 1000;
    const count = await step('what is there at west is counted', () => this.#written.countAt(pool.west.pool, VOLUME));
    const first = this.#written.times[count];
    const lostSeconds = first === undefined ? 0 : (lostAt - first) / 1000;
    this.#written.forgetAfter(count);
    await step('and it is one state, without a gap', () => this.#written.checkAt(pool.west.pool, VOLUME));
    return { shown, writes, lost: writes - count, lostSeconds, seconds };
  }

  async comesBack(): Promise<number> {
    const { sites, pool } = this.#bed;
    const { step, show } = this.#tell();
    this.#teller.heading('East comes back');
    await step('somebody writes at west meanwhile', () => this.#writeFor(pool.west, 2000));
    await this.#bed.writer?.stop();
    this.#bed.writer = undefined;
    await sites.mirror.west.restart('rbd-mirror');
    await step('the daemons of east go on', () => resume(pool.east.ceph));
    const back = performance.now();
    await step('it is told that west is primary since epoch 4; its volume is left alone: both were written', () =>
      sites.until(pool, (status) => condition(status, 'SplitBrain').startsWith('True')),
    );
    await step('kubectl patch: onReturn Resync', () => sites.patch(pool, { onReturn: 'Resync' }));
    await step('demoted at east, copied anew, safe', () =>
      sites.until(pool, ({ phase, volumes }) => phase === 'Steady' && volumes?.summary === '1/1', 240),
    );
    const seconds = (performance.now() - back) / 1000;
    await step('every block of west is there', () => this.#written.checkAt(pool.west.pool, VOLUME));
    show('kubectl get mirrorpolicies', await this.#lines());
    return seconds;
  }

  async takeDown(): Promise<void> {
    await this.#tell().step('everything is stopped and removed', () => this.#bed.end());
  }

  async #writeFor(side: MirrorSide, milliseconds: number): Promise<void> {
    this.#bed.writer = new BlockWriter(side.pool, VOLUME, this.#written);
    await sleep(milliseconds);
  }

  async #untilSafe(): Promise<void> {
    await this.#bed.sites.until(this.#bed.pool, (status) => condition(status, 'SafeToSwitchover') === 'True Safe', 180);
  }

  #lines(): Promise<string> {
    return this.#bed.sites.api.kubectl('get', 'mirrorpolicies');
  }

  #tell(): Pick<Teller, 'step' | 'show'> {
    const teller = this.#teller;
    return { step: (name, work) => teller.step(name, work), show: (command, output) => teller.show(command, output) };
  }
}

async function resume(ceph: MicroCeph): Promise<void> {
  await Promise.allSettled(DAEMONS.map((kind) => ceph.resume(kind)));
  // An OSD that was held still for long ends itself.
  for (const kind of ['osd', 'rbd-mirror'] as const) await ceph.restart(kind);
}
