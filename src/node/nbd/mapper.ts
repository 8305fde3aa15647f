/**
 * rbd-nbd: librbd in a process of its own, which the kernel reaches as a network block device.
 *
 *     N1  A device is known by its cookie, which the kernel shows as long as the device is there, also without a process.
 *         It is made of the volume's directory and the node, so nothing has to be remembered.
 *     N2  The process is alive while its admin socket in the volume's directory is listened on.
 *     N3  Without a process the device waits: nothing that was written is lost, and another process can take over (`heal`).
 *     N4  Where one node at a time writes, the process holds the image's lock and gives it to nobody: so one that takes over
 *         on a node that was taken for lost fails where another node has the volume meanwhile. Where that one has given it
 *         back already, nothing but the time tells: the healer gives up after two minutes (healer.ts).
 *     N5  The kernel takes a device away from whoever uses it. So it is asked to only when nothing is mounted from it, in
 *         whatever namespace, nobody has it open, and all that was written is in Ceph.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterConnection } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { field, parseJson } from '#lib/json';
import { isListenedOn, SOCKET_PATH_MAX } from '#lib/unix-socket';
import type { Keepers, NbdOrder } from '../keeper/keeper.ts';
import { loadModule } from '../kernel-module.ts';
import { checkOptions, librbdConf } from '../librbd-conf.ts';
import { LIMITS } from '../limits.ts';
import type { Device, MapOptions, Mapped, Mapper, MapSpec, ResizeSpec } from '../mapper.ts';
import { digest } from '../paths.ts';
import { run } from '../run.ts';
import { whyNotOpened } from '../userspace/why-not-opened.ts';
import { readComplaint, unexplained } from './complaint.ts';
import { findDevices, hasNbd, showsCookies } from './devices.ts';
import { confOf, FILES, logOf, nbdSocket, PROGRAM, specOf } from './files.ts';
import { letGo } from './let-go.ts';

/** Of the process' Ceph configuration. It would make folders of its own for sockets and for records of crashes. */
const OWN = { keyring: '/proc/self/fd/3', log_to_stderr: 'true', run_dir: '""', crash_dir: '""' };

/** What of an order is kept beside the device. */
type Kept = Pick<NbdOrder, 'image' | 'readonly' | 'exclusive'>;

export class NbdMapper implements Mapper {
  readonly name = 'nbd';
  readonly #keepers: Keepers;
  readonly #node: string;

  /** `node` is the name of the node, the same as long as volumes are mapped. */
  constructor(keepers: Keepers, node: string) {
    this.#keepers = keepers;
    this.#node = node;
  }

  async missing(): Promise<string | undefined> {
    if (!(await hasNbd())) await loadModule('nbd');
    if (!(await hasNbd())) return 'the kernel module nbd';
    return showsCookies() ? this.#keepers.nbd.missing() : 'a kernel that shows the cookies of network block devices (5.14)';
  }

  checkOptions(options: MapOptions): void {
    checkOptions(this.name, options);
  }

  async find(dir: string): Promise<Mapped> {
    const [device] = await findDevices(this.#label(dir));
    if (device === undefined) return { state: 'none' };
    if (!(await isListenedOn(nbdSocket(dir)))) return { state: 'dead', device, why: `${PROGRAM} has ended` };
    return { state: 'alive', device };
  }

  async map(dir: string, spec: MapSpec): Promise<Device> {
    const found = await this.find(dir);
    if (found.state !== 'none' && found.device.readonly === spec.readonly) return await this.heal(dir, spec.connection);

    await this.unmap(dir);
    if (!/^[A-Za-z0-9+/]+=*$/.test(spec.connection.key))
      throw new Failure('unauthenticated', 'KEY_INVALID', 'the CephX key is not base64');
    if (Buffer.byteLength(nbdSocket(dir)) > SOCKET_PATH_MAX) {
      throw new Failure('precondition', 'STATE_DIR_UNUSABLE', 'the state directory has too long a path');
    }
    const { image, readonly, exclusive, connection } = spec;
    const kept = { image: formatImage(image), readonly, exclusive };
    const own = { ...OWN, admin_socket: nbdSocket(dir) };
    await writeFile(confOf(dir), librbdConf(spec, own), { mode: 0o600 });
    await writeFile(specOf(dir), JSON.stringify(kept), { mode: 0o600 });
    const complaint = await this.#serve(dir, { ...kept, device: '', connection });
    if (complaint === undefined) return await this.#getServed(dir);
    const why = readComplaint(complaint, connection) ?? (await whyNotOpened(this.#keepers.daemon, dir, spec));
    throw why ?? unexplained(complaint);
  }

  /** Done for one that is alive. */
  readonly heal = async (dir: string, connection: ClusterConnection): Promise<Device> => {
    const found = await this.find(dir);
    if (found.state === 'none') throw new Failure('precondition', 'NOT_MAPPED', 'the volume is not mapped on this node');
    if (found.state === 'alive') return found.device;
    await this.#keepers.nbd.end(dir); // One that does not listen any more, or not yet.
    const complaint = await this.#serve(dir, { ...(await readKept(dir)), device: found.device.path, connection });
    if (complaint !== undefined) throw readComplaint(complaint, connection) ?? unexplained(complaint);
    return await this.#getServed(dir);
  };

  /** The process watches its image and tells the kernel. What it could not tell, its successor can. */
  async resize(dir: string, { connection, required }: ResizeSpec): Promise<Device> {
    for (const until = Date.now() + LIMITS.resize; ; await sleep(50)) {
      const found = await this.find(dir);
      if (found.state !== 'alive') throw new Failure('precondition', 'NOT_MAPPED', 'the volume is not mapped on this node');
      if (found.device.size >= required || found.device.readonly) return await opened(found.device);
      if (await couldNotResize(dir)) {
        await this.#keepers.nbd.end(dir);
        await this.heal(dir, connection);
      }
      if (Date.now() > until)
        throw new Failure('unfinished', 'DEVICE_NOT_GROWN', 'the device does not show the size of the image yet');
    }
  }

  async unmap(dir: string): Promise<void> {
    const cookie = this.#label(dir);
    for (const device of await findDevices(cookie)) {
      const isGone = async (): Promise<boolean> => !(await findDevices(cookie)).some(({ path }) => path === device.path);
      await letGo(device, { conf: confOf(dir), isAlive: await isListenedOn(nbdSocket(dir)), isGone });
    }
    // It closes the image by itself, unless Ceph is away.
    for (const until = Date.now() + LIMITS.daemonStop; Date.now() < until && (await isListenedOn(nbdSocket(dir))); )
      await sleep(20);
    await this.#keepers.nbd.end(dir);
    for (const name of FILES) await rm(join(dir, name), { force: true });
  }

  #label(dir: string): string {
    return `loligo.${digest(`${this.#node}\0${dir}`)}`;
  }

  /** What the process said when it does not serve. */
  #serve(
    dir: string,
    want: Kept & { readonly device: string; readonly connection: ClusterConnection },
  ): Promise<string | undefined> {
    const { connection, ...order } = want;
    const { user, key } = connection;
    return this.#keepers.nbd.serve(dir, { ...order, label: this.#label(dir), user, key });
  }

  async #getServed(dir: string): Promise<Device> {
    const [device] = await findDevices(this.#label(dir));
    if (device === undefined) throw new Failure('unfinished', 'DEVICE_LOST', 'the device went away as soon as it was made');
    return await opened(device);
  }
}

/** Who opens the device first after its size was set reads its partitions: that must not be at a time when Ceph is away. */
async function opened(device: Device): Promise<Device> {
  await run('blockdev', ['--getsz', device.path], { limit: LIMITS.read });
  return device;
}

/** Ceph 16 leaves out the cookie when it tells the kernel of a size, and is refused. */
async function couldNotResize(dir: string): Promise<boolean> {
  return (await readFile(logOf(dir), 'utf8').catch(() => '')).includes('netlink resize failed');
}

async function readKept(dir: string): Promise<Kept> {
  const kept = parseJson(await readFile(specOf(dir), 'utf8').catch(() => ''));
  const image = field(kept, 'image');
  if (typeof image !== 'string') throw new Failure('precondition', 'STATE_UNKNOWN', `${specOf(dir)} does not say what is mapped`);
  return { image, readonly: field(kept, 'readonly') === true, exclusive: field(kept, 'exclusive') === true };
}
