/**
 * The userspace mapper: qemu-storage-daemon opens the image with librbd and exports it as one FUSE file, and a loop
 * device lies on that file. It needs no kernel module but fuse and loop, and knows every feature that librbd knows.
 *
 * In the volume's directory: `ceph.conf`, `image` (the file that the export covers), `qmp.sock`, `daemon.log`. The daemon
 * may be kept in other namespaces, by the mapper role: it sees the directory at the same path, and its mount shows here.
 * Taken down in the reverse order of making: loop device, daemon, mount, files. The daemon is ended only when nobody
 * has the loop device any more; until then there may be writes that have not reached Ceph.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterConnection } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import type { DaemonKeeper } from '../keeper/keeper.ts';
import { checkOptions, librbdConf } from '../librbd-conf.ts';
import { LIMITS } from '../limits.ts';
import type { Device, MapOptions, Mapped, Mapper, MapSpec, ResizeSpec } from '../mapper.ts';
import { mountAt, readMounts } from '../mount-table.ts';
import { run } from '../run.ts';
import { askDaemon, isDaemonAlive, startDaemon, stopDaemon } from './daemon.ts';
import { addNode, addSecret, imageOptions, KEY, NO_FILES } from './image-node.ts';
import { attachLoop, detachLoop, findLoops, hasLoopDevices, type LoopFile, refreshLoop } from './loop.ts';
import type { Qmp, QmpArguments } from './qmp.ts';
import { DAEMON, FILES, IMAGE } from './volume-files.ts';

export class UserspaceMapper implements Mapper {
  readonly name = 'userspace';
  readonly heal = undefined;
  readonly #keeper: DaemonKeeper;
  readonly #node: string;

  /** `node` is the name of the node, the same as long as volumes are mapped. */
  constructor(keeper: DaemonKeeper, node: string) {
    this.#keeper = keeper;
    this.#node = node;
  }

  async missing(): Promise<string | undefined> {
    return (await hasLoopDevices()) ? this.#keeper.missing() : 'loop devices';
  }

  checkOptions(options: MapOptions): void {
    checkOptions(this.name, options);
  }

  async find(dir: string): Promise<Mapped> {
    const [device] = await findLoops(this.#file(dir));
    if (device === undefined) return { state: 'none' };
    if (!(await isDaemonAlive(dir))) return { state: 'dead', device, why: `${DAEMON} has ended` };
    return { state: 'alive', device };
  }

  async map(dir: string, spec: MapSpec): Promise<Device> {
    const { readonly } = spec;
    const found = await this.find(dir);
    if (found.state === 'alive' && found.device.readonly === readonly) return found.device;

    await this.unmap(dir);
    await this.#export(dir, spec);
    return attachLoop(this.#file(dir), readonly);
  }

  async resize(dir: string, { connection }: ResizeSpec): Promise<Device> {
    const found = await this.find(dir);
    if (found.state !== 'alive') throw new Failure('precondition', 'NOT_MAPPED', 'the volume is not mapped on this node');
    if (found.device.readonly) return found.device;
    using qmp = await askDaemon(dir, LIMITS.map);
    const size = await imageSize(qmp, connection);
    if (size > found.device.size) {
      await qmp.ask('block_resize', { 'node-name': 'volume', size: Number(size) });
      await refreshLoop(found.device, this.#file(dir));
    }
    return grown(await this.find(dir), size);
  }

  async unmap(dir: string): Promise<void> {
    const file = this.#file(dir);
    for (const device of await findLoops(file)) await detachLoop(device, file);
    await stopDaemon(this.#keeper, dir);
    // A daemon that was killed leaves its mount behind.
    while (mountAt(await readMounts(), file.path) !== undefined) {
      await run('umount', ['--lazy', '--no-canonicalize', file.path], { limit: LIMITS.look });
    }
    for (const name of FILES) await rm(join(dir, name), { force: true });
  }

  #file(dir: string): LoopFile {
    return { node: this.#node, path: join(dir, IMAGE) };
  }

  async #export(dir: string, spec: MapSpec): Promise<void> {
    const mountpoint = join(dir, IMAGE);
    await writeFile(mountpoint, '', { mode: 0o600 });
    await writeFile(join(dir, 'ceph.conf'), librbdConf(spec, NO_FILES), { mode: 0o600 });
    using qmp = await startDaemon(this.#keeper, dir, LIMITS.map);
    await addSecret(qmp, spec.connection.key);
    await addNode(qmp, 'volume', imageOptions(dir, spec));
    const writable = !spec.readonly;
    await qmp.ask('block-export-add', { type: 'fuse', id: 'file', 'node-name': 'volume', mountpoint, writable, growable: false });
  }
}

function grown(found: Mapped, size: bigint): Device {
  if (found.state === 'alive' && found.device.size >= size) return found.device;
  throw new Failure('unfinished', 'DEVICE_NOT_GROWN', 'the device does not show the size of the image yet');
}

/**
 * The image's size as Ceph has it now. The open node shows the size it was opened with, and a resize to a stale or a
 * merely requested size could cut the image: so a second, read-only node is opened to look.
 */
async function imageSize(qmp: Qmp, connection: ClusterConnection): Promise<bigint> {
  const options = openedWith(await findNode(qmp, 'volume'));
  await forget(qmp, 'blockdev-del', { 'node-name': 'look' }); // What a killed call may have left.
  // The key may have been rotated since. Another user's is in the daemon only: it came with a class's secrets.
  if (options['user'] === connection.user) {
    await forget(qmp, 'object-del', { id: KEY });
    await addSecret(qmp, connection.key);
  }
  try {
    await addNode(qmp, 'look', { ...options, 'key-secret': KEY, 'read-only': true });
    return BigInt((await findNode(qmp, 'look')).image['virtual-size']);
  } finally {
    await forget(qmp, 'blockdev-del', { 'node-name': 'look' });
  }
}

async function forget(qmp: Qmp, command: 'blockdev-del' | 'object-del', args: QmpArguments): Promise<void> {
  try {
    await qmp.ask(command, args);
  } catch {
    // It was not there.
  }
}

interface BlockNode {
  readonly 'node-name': string;
  readonly image: { readonly 'virtual-size': number; readonly filename: string };
}

async function findNode(qmp: Qmp, name: string): Promise<BlockNode> {
  // The daemon's own answer, in the form its protocol fixes.
  const nodes = (await qmp.ask('query-named-block-nodes', { flat: true })) as readonly BlockNode[];
  const node = nodes.find((one) => one['node-name'] === name);
  if (node === undefined) throw new Failure('unfinished', 'DAEMON_REFUSED', 'the image could not be looked at');
  return node;
}

/** The options that the image was opened with, which the daemon shows in place of a file name: `json:{…}`. */
function openedWith({ image }: BlockNode): QmpArguments {
  const parsed: unknown = JSON.parse(image.filename.replace(/^json:/, ''));
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}
