/** File systems on a device: finding out what is there, making, checking and growing them. */
import { readFile } from 'node:fs/promises';
import { Failure } from '#lib/failure';
import { isZero, lastMib, MIB, readMib, writeBytes } from './device-blocks.ts';
import { LIMITS } from './limits.ts';
import type { Device } from './mapper.ts';
import type { FsType } from './mount-options.ts';
import { run } from './run.ts';
import { filesystemSize, isUnfinishedXfs } from './superblock.ts';

/**
 * `unknown`: nothing that has a name, and yet not empty. `unfinished`: what an mkfs that was cut off has left; the
 * device was blank before it. Whose mkfs it was is written on the device itself: what one node remembers of a volume
 * is not true any more once another had it.
 */
export type Content =
  | { readonly kind: 'blank' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'filesystem'; readonly type: string; readonly isMarked: boolean };

/** One sector at the start of the last whole MiB: file systems put nothing of theirs there while they are made. */
const MARK = Buffer.alloc(512, 'loligo: a file system is being made here\n');
/** mkfs.xfs refuses less. */
const XFS_MIN = 300n * BigInt(MIB);
const CAP_SYS_RESOURCE = 1n << 24n;

/** Reads the first and the last MiB: a device that cannot be read is an error, and never "blank". */
export async function inspect(device: Device): Promise<Content> {
  const head = await readMib(device, 0n);
  const tail = await readMib(device, lastMib(device));
  if (isUnfinishedXfs(head)) return { kind: 'unfinished' };
  const type = await probe(device);
  if (type !== '') return { kind: 'filesystem', type, isMarked: isMarked(tail) };
  if (isMarked(tail)) return { kind: 'unfinished' };
  return isZero(head) && isZero(tail) ? { kind: 'blank' } : { kind: 'unknown' };
}

/**
 * Makes an empty file system over whatever is on the device. The mark is there until mkfs is done; mke2fs writes its
 * superblock last, so under a mark there is either a whole file system or none that anybody used.
 */
export async function make(type: FsType, device: Device, options: readonly string[]): Promise<void> {
  if (type === 'xfs' && device.size < XFS_MIN) {
    throw new Failure('precondition', 'VOLUME_TOO_SMALL', `xfs needs 300 MiB, and the volume has ${device.size} bytes`);
  }
  // A new image has nothing to discard, and asking it object by object takes minutes on a large one.
  const defaults = type === 'xfs' ? ['-q', '-f', '-K'] : ['-q', '-F', '-m', '0', '-E', 'nodiscard'];
  await writeTail(device, MARK);
  await run(`mkfs.${type}`, [...defaults, ...options, '--', device.path], { limit: LIMITS.mkfs });
  if (isMarked(await readMib(device, lastMib(device)))) await unmark(device);
}

/** Under a mark that stays, a file system that is damaged later would count as one that nobody used, and be made anew. */
export async function unmark(device: Device): Promise<void> {
  await writeTail(device, Buffer.alloc(MARK.length));
}

/** Before a mount for writing. xfs replays its log when it is mounted, and has no check worth doing each time. */
export async function check(type: FsType, device: Device): Promise<void> {
  if (type === 'ext4') await e2fsck(device, ['-p']);
}

/** Offline growth, before the mount: only ext4 has it. */
export async function growUnmounted(type: FsType, device: Device): Promise<void> {
  if (type !== 'ext4' || !(await isSmallerThan('ext4', device))) return;
  await e2fsck(device, ['-f', '-p']); // resize2fs refuses a file system that was not checked just now.
  await run('resize2fs', [device.path], { limit: LIMITS.grow });
}

/** Growth of what is mounted at the path; nothing is done when the file system fills its device. */
export async function growMounted(type: string, device: Device, path: string): Promise<void> {
  if (type === 'xfs') {
    await run('xfs_growfs', ['-d', path], { limit: LIMITS.grow });
  } else if (type === 'ext4' && (await isSmallerThan('ext4', device))) {
    if (!(await mayGrowMountedExt4())) {
      const what = 'this node may not grow a mounted ext4 (CAP_SYS_RESOURCE is missing); it grows when it is staged next';
      throw new Failure('precondition', 'EXT4_GROWS_AT_NEXT_STAGE', what);
    }
    await run('resize2fs', [device.path], { limit: LIMITS.grow });
  }
}

async function isSmallerThan(type: FsType, device: Device): Promise<boolean> {
  const size = filesystemSize(type, await readMib(device, 0n));
  if (size === undefined) throw new Failure('unfinished', 'FILESYSTEM_UNREADABLE', `${device.path} shows no ${type}`);
  // Less than a block of the largest size does not count: it cannot be used.
  return size + 65_536n <= device.size;
}

/** The kernel allows it to nobody else; the programs that we start have our capabilities. */
async function mayGrowMountedExt4(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & CAP_SYS_RESOURCE) !== 0n;
}

/** 0 clean, 1 repaired; all else needs a person. */
async function e2fsck(device: Device, args: readonly string[]): Promise<void> {
  const { exit, stdout } = await run('e2fsck', [...args, device.path], { limit: LIMITS.fsck, accept: [0, 1, 4, 8, 12] });
  if (exit <= 1) return;
  const said = stdout
    .toString('utf8')
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(-300);
  throw new Failure('precondition', 'FILESYSTEM_DAMAGED', `e2fsck ended with ${exit}: ${said}`);
}

/** The type of what is there, '' for nothing. A partition table or several answers count as something. */
async function probe(device: Device): Promise<string> {
  const { exit, stdout } = await run('blkid', ['-p', '-o', 'export', device.path], { limit: LIMITS.read, accept: [0, 2, 8] });
  if (exit === 2) return '';
  const fields = new Map(
    stdout
      .toString('utf8')
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
  );
  const table = fields.get('PTTYPE');
  return fields.get('TYPE') ?? (table === undefined ? 'several things at once' : `a ${table} partition table`);
}

function isMarked(tail: Buffer): boolean {
  return tail.subarray(0, MARK.length).equals(MARK);
}

async function writeTail(device: Device, bytes: Buffer): Promise<void> {
  await writeBytes(device, bytes, { offset: lastMib(device) * BigInt(MIB), unit: bytes.length });
}
