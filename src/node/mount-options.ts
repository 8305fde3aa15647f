/** Mount options from outside: what may be given, and what they become for a file system. */
import { Failure } from '#lib/failure';

export type FsType = 'ext4' | 'xfs';

/** Where nobody says which. */
export const STANDARD_FS: FsType = 'ext4';

const OPTION_MAX = 1024;
/** Options that would mount something else, or elsewhere, or change a mount that is there. */
const REFUSED: ReadonlySet<string> = new Set([
  ...[
    'bind',
    'rbind',
    'move',
    'remount',
    'loop',
    'offset',
    'sizelimit',
    'encryption',
    'helper',
    'uhelper',
    'user',
    'users',
    'group',
  ],
  ...[
    'owner',
    'private',
    'rprivate',
    'shared',
    'rshared',
    'slave',
    'rslave',
    'unbindable',
    'runbindable',
    'fstype',
    'noauto',
    '_netdev',
  ],
  ...[
    'journal_path',
    'journal_dev',
    'logdev',
    'rtdev',
    'usrjquota',
    'grpjquota',
    'sb',
    'verity',
    'mode',
    'uid',
    'gid',
    'test_dummy_encryption',
  ],
]);

/**
 * The options one by one, checked. An element may hold several, as in `noatime,nodiratime`; commas within double
 * quotes belong to a value (SELinux contexts have them). Throws `invalid` naming the option.
 */
export function readMountOptions(elements: readonly string[]): readonly string[] {
  const options = elements.flatMap(split);
  for (const option of options) checkOption(option);
  return options;
}

function split(element: string): readonly string[] {
  if ((element.match(/"/g)?.length ?? 0) % 2 !== 0) throw bad(element, 'has an open quote');
  return element.match(/(?:[^,"]|"[^"]*")+/g) ?? [];
}

function checkOption(option: string): void {
  if (/\p{Cc}/u.test(option)) throw bad(option, 'has control characters');
  if (option.length > OPTION_MAX) throw bad(option, 'is too long');
  const name = option.split('=')[0] ?? '';
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw bad(option, 'is not a mount option');
  if (REFUSED.has(name) || /^x-/i.test(name)) throw bad(option, 'is not for a volume');
  if (option.includes('/')) throw bad(option, 'names a path');
}

/** What a file system is mounted with. `safe` opens one whose journal may be dirty without writing to the device. */
export function mountOptions(type: FsType, options: readonly string[], safe: boolean): readonly string[] {
  // A clone has its parent's UUID, and xfs refuses a second file system of one UUID.
  const always = type === 'xfs' ? ['nouuid'] : [];
  const untouched = type === 'xfs' ? ['ro', 'norecovery'] : ['ro', 'noload'];
  const wanted = safe ? options.filter((option) => option !== 'rw') : options;
  return [...new Set([...wanted, ...always, ...(safe ? untouched : [])])];
}

function bad(option: string, what: string): Failure {
  const shown = option.replaceAll(/\p{Cc}/gu, '?').slice(0, 80);
  return new Failure('invalid', 'MOUNT_OPTION_INVALID', `mount option "${shown}" ${what}`);
}
