/** A machine whose node role has a key-encryption key, a controller with the same one beside it, and their encrypted volumes. */
import { randomBytes } from 'node:crypto';
import { KeyFolder } from '../keys/key-folder.ts';
import { Driver } from '../support/driver.ts';
import { untilOk } from '../support/driver-bed.ts';
import { adminKey } from '../support/engine-bed.ts';
import { VmBed, type VmVolume } from '../support/vm/node-bed.ts';
import { sharedNetwork } from '../support/vm/shared-network.ts';

export const MIB = 2 ** 20;
/** In the machine. */
export const KEYS = '/etc/loligo/encryption';

export interface Wanted {
  readonly fsType?: 'ext4' | 'xfs';
  readonly block?: boolean;
  readonly mib?: number;
  readonly source?: object;
}

export interface Published extends VmVolume {
  readonly publishContext: Readonly<Record<string, string>>;
}

interface Opened {
  readonly name: string;
  readonly uuid: string;
  readonly path: string;
  readonly size: number;
}

export class EncryptionBed implements AsyncDisposable {
  readonly bed: VmBed;
  readonly controller: Driver;
  readonly folder: KeyFolder;
  readonly keyEncryptionKey: Buffer;
  readonly #nodeId: string;

  private constructor(at: { bed: VmBed; controller: Driver; folder: KeyFolder; keyEncryptionKey: Buffer; nodeId: string }) {
    this.bed = at.bed;
    this.controller = at.controller;
    this.folder = at.folder;
    this.keyEncryptionKey = at.keyEncryptionKey;
    this.#nodeId = at.nodeId;
  }

  static async open(): Promise<EncryptionBed> {
    const keyEncryptionKey = randomBytes(32);
    const folder = new KeyFolder({ main: { from: 'files', keyFiles: ['main'] } }, { main: keyEncryptionKey });
    const bed = await VmBed.open({ options: { 'encryption-keys': `${KEYS}/keys.json` } });
    const controller = await aController(folder);
    const { nodeId } = await bed.csi.call('NodeGetInfo', {});
    const whole = new EncryptionBed({ bed, controller, folder, keyEncryptionKey, nodeId });
    await whole.writeKeys();
    return whole;
  }

  /** As after each boot: they are of no disk. */
  async writeKeys(): Promise<void> {
    const { machine } = this.bed;
    await machine.write(`${KEYS}/keys.json`, JSON.stringify({ main: { from: 'files', keyFiles: ['main'] } }));
    await machine.write(`${KEYS}/main`, this.keyEncryptionKey.toString('base64'));
  }

  async volume(name: string, wanted: Wanted): Promise<Published> {
    const { bed } = this;
    const { csi } = this.controller;
    const { volume } = await untilOk(() => csi.call('CreateVolume', this.request(name, wanted)));
    const { volumeCapability } = bed.volume(name, wanted);
    const asked = { volumeId: volume.volumeId, nodeId: this.#nodeId, volumeCapability };
    const { publishContext } = await csi.call('ControllerPublishVolume', asked);
    if (volume.capacityBytes !== String((wanted.mib ?? 64) * MIB)) throw new Error(`${name} has ${volume.capacityBytes} bytes`);
    return { ...bed.volume(name, wanted), volumeContext: volume.volumeContext, publishContext };
  }

  request(name: string, wanted: Wanted): object {
    const { pool: place, namespace } = this.bed.pool.place;
    return {
      name,
      capacityRange: { requiredBytes: String((wanted.mib ?? 64) * MIB) },
      parameters: { pool: place, namespace, encrypted: 'true', encryptionKey: 'main' },
      volumeCapabilities: [this.bed.volume(name, wanted).volumeCapability],
      ...(wanted.source === undefined ? {} : { volumeContentSource: wanted.source }),
    };
  }

  /** However often it takes: under emulation, on a busy machine, one call's time may be too short. */
  stage(volume: VmVolume, other: object = {}) {
    return untilOk(() => this.bed.stage(volume, other), 300);
  }

  /** What dmsetup shows. */
  async openedDevices(): Promise<readonly Opened[]> {
    const columns = ['info', '-c', '--noheadings', '--separator', ' ', '-o', 'name,uuid,minor'];
    const listed = await this.bed.machine.run('dmsetup', columns);
    const rows = listed.split('\n').filter((line) => line.includes('CRYPT'));
    return await Promise.all(
      rows.map(async (row) => {
        const [name = '', uuid = '', minor = ''] = row.split(' ');
        const path = `/dev/dm-${minor}`;
        return { name, uuid, path, size: await this.sizeOf(path) };
      }),
    );
  }

  async sizeOf(path: string): Promise<number> {
    return Number(await this.bed.machine.run('blockdev', ['--getsize64', path]));
  }

  async leftovers(): Promise<readonly string[]> {
    const keys = (await this.bed.machine.run('cat', ['/proc/keys'])).split('\n').filter((line) => line.includes('cryptsetup'));
    return [...(await this.bed.leftovers()), ...(await this.openedDevices()).map(({ name }) => `dm ${name}`), ...keys];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.folder[Symbol.dispose]();
    await this.controller[Symbol.asyncDispose]();
    await this.bed[Symbol.asyncDispose]();
  }
}

/** With the same key-encryption key as the node, as `client.admin`. */
async function aController(folder: KeyFolder): Promise<Driver> {
  const { network, ceph } = sharedNetwork();
  const clusters = { prod: { monitors: ceph.monitors, user: 'admin', key: await adminKey(ceph) } };
  const enter = network.enter.bind(network);
  return await Driver.start({ role: 'controller', clusters, options: { 'encryption-keys': folder.path }, enter });
}
