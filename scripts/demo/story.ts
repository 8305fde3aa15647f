/** The story: a ledger on xfs that grows in use, a snapshot of it restored larger, a clone, an archive on ext4. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../../test/support/micro-ceph.ts';
import { type Bed, POOL } from './bed.ts';
import type { Teller } from './teller.ts';
import { type Volume, Volumes, type Wanted } from './volumes.ts';

export const FILE_MIB = 64;
const FILE = 'records';
/** Milliseconds that deleted space may take to be given back. */
const PURGE_TIMEOUT = 60_000;

/** The SHA-256 that every copy of the file had. */
export async function tellStory(bed: Bed, teller: Teller): Promise<string> {
  await setTheStage(bed, teller);
  const story = new Story(bed, teller);
  const ledger = await story.growsInUse();
  const snapshot = await story.snapshotAndRestore(ledger);
  await story.clone(ledger);
  await story.growsAtNextStage();
  await story.views();
  await story.cleanUp(snapshot);
  return story.checksum;
}

async function setTheStage(bed: Bed, teller: Teller): Promise<void> {
  teller.heading('Setting the stage');
  await teller.step('Ceph: monitor, manager, OSD, under .run/', () => bed.startCeph());
  const key = await teller.step('a pool, and a user with the least rights', () => bed.preparePool());
  await teller.step('the driver: loligo standalone', () => bed.startDriver(key));
}

class Story {
  checksum = '';
  readonly #bed: Bed;
  readonly #teller: Teller;
  readonly #volumes: Volumes;
  readonly #made: Volume[] = [];

  constructor(bed: Bed, teller: Teller) {
    this.#bed = bed;
    this.#teller = teller;
    this.#volumes = new Volumes(bed.csi, { dir: bed.dir, parameters: { cluster: 'demo', pool: POOL } });
  }

  async growsInUse(): Promise<Volume> {
    this.#teller.heading('A volume with xfs, which grows while it is mounted');
    await this.#teller.step('NodeGetInfo', () => this.#volumes.findNode());
    const ledger = await this.#create('CreateVolume: ledger, 1 GiB', { name: 'ledger', gib: 1, fsType: 'xfs' });
    await this.#attach(ledger, 'map, make xfs, mount');
    this.checksum = await this.#write(ledger);
    await this.#teller.step('ControllerExpandVolume: to 2 GiB', () => this.#volumes.expand(ledger, 2));
    await this.#teller.step('NodeExpandVolume: under the mount', () => this.#volumes.expandOnNode(ledger));
    await this.#readBack(ledger);
    await this.#showSpace([ledger]);
    return ledger;
  }

  async snapshotAndRestore(ledger: Volume): Promise<string> {
    this.#teller.heading('A snapshot, and a larger volume made of it');
    const snapshot = await this.#teller.step('CreateSnapshot: ledger, in use', () => this.#volumes.snapshot(ledger, 'friday'));
    const restored = await this.#create('CreateVolume: restored, 3 GiB, of it', {
      name: 'restored',
      gib: 3,
      fsType: 'xfs',
      snapshot,
    });
    await this.#attach(restored, 'map, mount, grow');
    await this.#readBack(restored);
    return snapshot;
  }

  async clone(ledger: Volume): Promise<void> {
    this.#teller.heading('A clone of the volume');
    const clone = await this.#create('CreateVolume: copy, 2 GiB, of ledger', {
      name: 'copy',
      gib: 2,
      fsType: 'xfs',
      clone: ledger,
    });
    await this.#attach(clone, 'map, mount');
    await this.#readBack(clone);
  }

  async growsAtNextStage(): Promise<void> {
    this.#teller.heading('A volume with ext4, which grows when it is staged next');
    const archive = await this.#create('CreateVolume: archive, 1 GiB', { name: 'archive', gib: 1, fsType: 'ext4' });
    await this.#attach(archive, 'map, make ext4, mount');
    await this.#write(archive);
    await this.#teller.step('ControllerExpandVolume: to 2 GiB', () => this.#volumes.expand(archive, 2));
    await this.#detach(archive);
    await this.#attach(archive, 'map, grow, mount');
    await this.#readBack(archive);
  }

  async views(): Promise<void> {
    this.#teller.heading('What Ceph and the kernel say');
    await this.#showSpace(this.#made);
    this.#teller.show(`rbd ls -l ${POOL}`, await this.#bed.ceph.rbd('ls', '-l', POOL));
    this.#teller.show(`rbd du --pool ${POOL}`, await this.#bed.ceph.rbd('du', '--pool', POOL));
  }

  async cleanUp(snapshot: string): Promise<void> {
    this.#teller.heading('Cleaning up');
    for (const volume of this.#made) await this.#detach(volume);
    for (const volume of this.#made.toReversed()) {
      await this.#teller.step(`DeleteVolume: ${volume.name}`, () => this.#volumes.delete(volume));
    }
    await this.#teller.step('DeleteSnapshot', () => this.#volumes.deleteSnapshot(snapshot));
    await this.#teller.step('no image and no trash is left in Ceph', () => this.#untilEmpty());
  }

  async #create(told: string, wanted: Wanted): Promise<Volume> {
    const volume = await this.#teller.step(told, () => this.#volumes.create(wanted));
    this.#made.push(volume);
    return volume;
  }

  async #attach(volume: Volume, told: string): Promise<void> {
    const context = await this.#teller.step('ControllerPublishVolume: to this node', () => this.#volumes.publish(volume));
    await this.#teller.step(`NodeStageVolume: ${told}`, () => this.#volumes.stage(volume, context));
    await this.#teller.step('NodePublishVolume: into a container', () => this.#volumes.bind(volume, context));
  }

  async #detach(volume: Volume): Promise<void> {
    await this.#teller.step(`Node unpublish and unstage: ${volume.name}`, () => this.#volumes.unstage(volume));
    await this.#teller.step(`Controller unpublish: ${volume.name}`, () => this.#volumes.unpublish(volume));
  }

  /** A file of random bytes the first time, the same bytes after that. Gives its SHA-256. */
  async #write(volume: Volume): Promise<string> {
    return await this.#teller.step(`write a file of ${FILE_MIB} MiB`, async () => {
      const content = this.#content();
      await using file = await open(join(this.#volumes.podPath(volume), FILE), 'w');
      await file.writeFile(content);
      await file.sync();
      return createHash('sha256').update(content).digest('hex');
    });
  }

  #bytes: Buffer | undefined;

  #content(): Buffer {
    this.#bytes ??= randomBytes(FILE_MIB * 2 ** 20);
    return this.#bytes;
  }

  async #readBack(volume: Volume): Promise<void> {
    const path = join(this.#volumes.podPath(volume), FILE);
    await this.#teller.step(`read it back: sha256 ${this.checksum.slice(0, 12)}…`, async () => {
      const hash = createHash('sha256');
      await pipeline(createReadStream(path), hash);
      const found = hash.digest('hex');
      if (found !== this.checksum) {
        throw new Error(`${volume.name}: the file has sha256 ${found}, and ${this.checksum} was written`);
      }
    });
  }

  async #showSpace(volumes: readonly Volume[]): Promise<void> {
    const paths = volumes.map((volume) => this.#volumes.podPath(volume));
    this.#teller.show('df -hT', await runProgram('df', ['-hT', ...paths]));
  }

  async #untilEmpty(): Promise<void> {
    const end = Date.now() + PURGE_TIMEOUT;
    let left = '';
    while (Date.now() < end) {
      const [images, trash] = [await this.#bed.ceph.rbd('ls', POOL), await this.#bed.ceph.rbd('trash', 'ls', '--all', POOL)];
      left = `${images}${trash}`.trim();
      if (left === '') return;
      await sleep(200);
    }
    throw new Error(`still in the pool: ${left}`);
  }
}
