/**
 * Any mapper, and for encrypted volumes dm-crypt on the device that it makes: outside it is one device, which is mapped,
 * found, resized and unmapped as any other. Made from below (device, header, opened), taken down from above.
 *
 * That a volume is encrypted says its stash, which is there before anything is mapped (S1): so the device below is never
 * taken for the volume, and the wrapped key is at hand when the volume grows. It is opened each time, and kept nowhere.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterConnection } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import { formatVolume } from '#lib/handle';
import { LUKS_HEADER } from '#lib/luks';
import { heldByOthers, refuseMounted } from './held.ts';
import { closeLuks, formatLuks, missingForLuks, openLuks, resizeLuks } from './luks.ts';
import { checkFormattable, clearEnds, inspectRaw, writeMark } from './luks-header.ts';
import type { Device, MapOptions, Mapped, Mapper, MapSpec, ResizeSpec } from './mapper.ts';
import { findOpened, type OpenedDevice, openedName, type Purpose } from './opened-device.ts';
import { readStash } from './stash.ts';

/** dm-crypt's blocks: less than one cannot be used. */
const SECTOR = 4096n;

/** Opens a wrapped key of the volume of that handle. */
export type Unwrap = (storedKey: string, handle: string) => Promise<Buffer>;

export class EncryptedMapper implements Mapper {
  readonly name: string;
  readonly heal: Mapper['heal'];
  readonly #below: Mapper;
  readonly #unwrap: Unwrap;

  constructor(below: Mapper, unwrap: Unwrap) {
    this.name = below.name;
    // What lies on it waits with it.
    this.heal = below.heal && ((dir, connection) => this.#heal(dir, connection));
    this.#below = below;
    this.#unwrap = unwrap;
  }

  missing(): Promise<string | undefined> {
    return this.#below.missing();
  }

  checkOptions(options: MapOptions): void {
    this.#below.checkOptions(options);
  }

  async find(dir: string): Promise<Mapped> {
    const below = await this.#below.find(dir);
    if (below.state === 'none') return below;
    const opened = await findOpened(dir, below.device, 'volume');
    if (opened !== undefined) return { ...below, device: opened };
    return (await storedKeyOf(dir)) === '' ? below : { state: 'none' };
  }

  async map(dir: string, spec: MapSpec): Promise<Device> {
    const { encryption } = spec;
    if (encryption === undefined) return await this.#below.map(dir, spec);
    const { readonly } = spec;
    const found = await this.find(dir);
    if (found.state === 'alive' && found.device.readonly === readonly) return found.device;
    if (found.state === 'dead' && found.device.readonly === readonly && this.heal !== undefined) {
      return await this.heal(dir, spec.connection);
    }

    const missing = await missingForLuks();
    if (missing !== undefined) {
      throw new Failure('precondition', 'ENCRYPTION_UNUSABLE', `this node lacks ${missing} for encrypted volumes`);
    }
    const key = await this.#unwrap(encryption.storedKey, formatVolume({ ...spec.image, cluster: spec.connection.cluster }));
    try {
      await this.#close(dir);
      const device = await this.#below.map(dir, spec);
      return await open(dir, { device, key, mayFormat: encryption.mayFormat });
    } finally {
      key.fill(0);
    }
  }

  async resize(dir: string, { connection, required }: ResizeSpec): Promise<Device> {
    const stash = await readStash(dir);
    const isEncrypted = stash !== undefined && stash.storedKey !== '';
    const header = isEncrypted && required > 0n ? LUKS_HEADER : 0n;
    const below = await this.#below.resize(dir, { connection, required: required + header });
    if (!isEncrypted) return below;
    const opened = await getOpened(dir, below, 'volume');
    if (opened.readonly || below.size - opened.size < LUKS_HEADER + SECTOR) return opened;
    const key = await this.#unwrap(stash.storedKey, stash.handle);
    try {
      await resizeLuks(opened.name, key);
    } finally {
      key.fill(0);
    }
    return await getOpened(dir, below, 'volume');
  }

  async unmap(dir: string): Promise<void> {
    await this.#close(dir);
    await this.#below.unmap(dir);
    await rm(lockOf(dir), { force: true }); // Whoever holds it holds the device too.
  }

  async #heal(dir: string, connection: ClusterConnection): Promise<Device> {
    const below = await this.#below.heal?.(dir, connection);
    const found = await this.find(dir);
    if (found.state !== 'none') return found.device;
    throw new Failure('unfinished', 'DEVICE_LOST', `dm-crypt shows no device on ${below?.path}`);
  }

  async #close(dir: string): Promise<void> {
    const below = await this.#below.find(dir);
    if (below.state === 'none') return;
    for (const purpose of ['making', 'volume'] as const) await close(dir, below.device, purpose);
  }
}

/** Throws `unfinished` while anybody holds it: what was written to it may not have reached the device below yet. */
async function close(dir: string, below: Device, purpose: Purpose): Promise<void> {
  const opened = await findOpened(dir, below, purpose);
  if (opened === undefined) return;
  await refuseMounted(opened);
  await closeLuks(opened.name);
  if ((await findOpened(dir, below, purpose)) !== undefined) throw await heldByOthers(opened);
}

function lockOf(dir: string): string {
  return join(dir, 'luks.lock');
}

async function storedKeyOf(dir: string): Promise<string> {
  return (await readStash(dir))?.storedKey ?? '';
}

interface ToOpen {
  readonly device: Device;
  readonly key: Buffer;
  readonly mayFormat: boolean;
}

async function open(dir: string, { device, key, mayFormat }: ToOpen): Promise<Device> {
  const content = await inspectRaw(device);
  if (content !== 'luks') {
    checkFormattable(content, device);
    if (!mayFormat) throw pending();
    if (content === 'blank') await writeMark(device, lockOf(dir));
    await makeHeader(dir, device, key);
  }
  await openLuks(device, openedName(dir, device, 'volume'), { key, lock: lockOf(dir) });
  return await getOpened(dir, device, 'volume');
}

/** Under the mark. Cut off anywhere, it is begun anew: the mark goes with its last write (luks-header.ts). */
async function makeHeader(dir: string, device: Device, key: Buffer): Promise<void> {
  const locked = { key, lock: lockOf(dir) };
  await formatLuks(device, locked);
  await openLuks(device, openedName(dir, device, 'making'), locked);
  await clearEnds(device, await getOpened(dir, device, 'making'));
  await close(dir, device, 'making');
}

function pending(): Failure {
  const message = 'the volume is new, and another node has it that is to make its LUKS header';
  return new Failure('busy', 'LUKS_HEADER_PENDING', message);
}

async function getOpened(dir: string, below: Device, purpose: Purpose): Promise<OpenedDevice> {
  const opened = await findOpened(dir, below, purpose);
  if (opened !== undefined) return opened;
  throw new Failure('unfinished', 'DEVICE_LOST', `dm-crypt shows no device on ${below.path}`);
}
