/**
 * Loop devices, found by a label in sysfs: reading that never blocks, whatever has become of the file behind them.
 *
 * The label is a size limit beyond the size of any image, which the kernel keeps from attaching to detaching and which
 * limits nothing. The path of the file would not do: the kernel shows it as seen from the mount namespace that attached
 * the device, and shows "/" once that is gone, as it is when the node role's container was started anew.
 */
import { createHash } from 'node:crypto';
import { access, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { readAttribute, readBlockDevice } from '../block-device.ts';
import { heldByOthers, refuseMounted } from '../held.ts';
import { LIMITS } from '../limits.ts';
import type { Device } from '../mapper.ts';
import { run } from '../run.ts';

const LOOP_CONTROL = '/dev/loop-control';
const SECTOR = 512n;
/** Above every size that there is; 53 bits of a digest below it. */
const LABEL_BASE = 1n << 62n;
/** The kernel lets go of a device within milliseconds unless somebody has it open. */
const LET_GO_MS = 2_000;

export function hasLoopDevices(): Promise<boolean> {
  return access(LOOP_CONTROL).then(
    () => true,
    () => false,
  );
}

/** A file, and the node whose it is: nodes that are containers of one host share its devices, and have the same paths. */
export interface LoopFile {
  readonly node: string;
  readonly path: string;
}

/** All loop devices that were attached to the file, lowest first; usually none or one. */
export async function findLoops(file: LoopFile): Promise<readonly Device[]> {
  const names = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'));
  const label = loopLabel(file);
  const found = await Promise.all(names.map(async (name) => ((await labelOf(name)) === label ? readBlockDevice(name) : undefined)));
  return found.filter((device) => device !== undefined).sort((a, b) => a.path.localeCompare(b.path));
}

/** Direct I/O: what is written reaches the file at once, and is cached only once, above the device. */
export async function attachLoop(file: LoopFile, readonly: boolean): Promise<Device> {
  // --nooverlap takes the device that an earlier, killed call attached, instead of a second one.
  const args = ['--find', '--show', '--nooverlap', '--direct-io=on', `--sizelimit=${loopLabel(file)}`];
  await run('losetup', [...args, ...(readonly ? ['--read-only'] : []), file.path], { limit: LIMITS.loop });
  const [device] = await findLoops(file);
  if (device === undefined) throw new Failure('unfinished', 'LOOP_LOST', 'the loop device went away as soon as it was made');
  return device;
}

/** What `/sys/block/loop…/loop/sizelimit` says of a device on that file. */
export function loopLabel({ node, path }: LoopFile): string {
  const digest = createHash('sha256').update(`${node}\0${path}`).digest().readBigUInt64BE() >> 11n;
  return String(LABEL_BASE + digest * SECTOR);
}

/** Lets the device see that its file has grown. */
export async function refreshLoop(device: Device, file: LoopFile): Promise<void> {
  // The kernel believes for a second what it was told last of a FUSE file's size, unless it is made to ask.
  await run('stat', ['--cached=never', '--format=%s', file.path], { limit: LIMITS.loop });
  await run('losetup', ['--set-capacity', device.path], { limit: LIMITS.loop });
}

/** Throws `unfinished` while anybody has the device open: the kernel detaches it when the last one closes it. */
export async function detachLoop(device: Device, file: LoopFile): Promise<void> {
  await refuseMounted(device);
  // 1: it detached itself in between, or is busy; what counts is what is seen afterwards.
  await run('losetup', ['--detach', device.path], { limit: LIMITS.loop, accept: [0, 1] });
  const until = Date.now() + LET_GO_MS;
  while ((await labelOf(nameOf(device))) === loopLabel(file)) {
    if (Date.now() > until) throw await heldByOthers(device);
    await sleep(20);
  }
}

function nameOf(device: Device): string {
  return device.path.slice('/dev/'.length);
}

function labelOf(name: string): Promise<string | undefined> {
  return readAttribute(`/sys/block/${name}/loop/sizelimit`);
}
