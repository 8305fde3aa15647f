/** The kernel's list of mounts, which can be read without touching any of the file systems in it. */
import { readFile } from 'node:fs/promises';

export interface Mount {
  readonly id: number;
  /** `major:minor` of the file system's device. */
  readonly device: string;
  /** The path within the file system that is mounted; `/loop3` for the node of a block device. */
  readonly root: string;
  readonly path: string;
  /** Of this mount alone. */
  readonly readonly: boolean;
  readonly type: string;
  readonly source: string;
  /** Of the whole file system: the kernel turns it read-only after an error. */
  readonly superReadonly: boolean;
  /** ext4 has given the whole file system up after an error; xfs does not show it here. */
  readonly givenUp: boolean;
}

/** In the order in which they were made: of several at one path the last covers the others. */
export async function readMounts(): Promise<readonly Mount[]> {
  return parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** What is visible at exactly this path. */
export function mountAt(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts.findLast((mount) => mount.path === path);
}

export function parseMounts(text: string): readonly Mount[] {
  return text
    .split('\n')
    .map(parseMount)
    .filter((mount) => mount !== undefined);
}

/** `36 35 98:0 /root /path rw,noatime master:1 - ext3 /dev/root rw,errors=continue` */
function parseMount(line: string): Mount | undefined {
  const [left, right] = line.split(' - ');
  const [id, , device, root, path, options] = left?.split(' ') ?? [];
  const [type, source, superOptions] = right?.split(' ') ?? [];
  if (id === undefined || device === undefined || root === undefined || path === undefined) return undefined;
  return {
    id: Number(id),
    device,
    root: unescaped(root),
    path: unescaped(path),
    readonly: has(options, 'ro'),
    type: type ?? '',
    source: unescaped(source ?? ''),
    superReadonly: has(superOptions, 'ro'),
    givenUp: has(superOptions, 'emergency_ro') || has(superOptions, 'shutdown'),
  };
}

function has(options: string | undefined, option: string): boolean {
  return options?.split(',').includes(option) ?? false;
}

/** The kernel writes space, tab, newline and backslash as three octal digits, byte by byte. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
