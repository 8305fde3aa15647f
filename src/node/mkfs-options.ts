/**
 * `mkfsOptions` of a StorageClass: only options that shape the file system on the volume. mkfs has others, which read files of
 * the node into it, put parts of it on other devices, or make none.
 */
import { Failure } from '#lib/failure';
import type { FsType } from './mount-options.ts';

const TOKENS_MAX = 64;
const VALUE = /^[A-Za-z0-9^=,._:+-]+$/;

interface Known {
  /** Letters of options that stand alone. */
  readonly flags: string;
  /** Letters of options with a value, attached or as the next word. */
  readonly values: string;
  /** What no value may set. */
  readonly refused: readonly string[];
}

/** mke2fs(8) and mkfs.xfs(8). */
const KNOWN: Readonly<Record<FsType, Known>> = {
  ext4: { flags: 'qv', values: 'bCEgGiIJLmNOrTU', refused: ['device', 'offset'] },
  xfs: { flags: 'Kq', values: 'bdilLmns', refused: ['name', 'file', 'logdev'] },
};

/** The text split at blanks, each part checked. Throws `invalid` naming the part. */
export function readMkfsOptions(text: string, type: FsType): readonly string[] {
  const tokens = text.split(/ +/).filter((token) => token !== '');
  if (tokens.length > TOKENS_MAX) throw new Failure('invalid', 'MKFS_OPTION_INVALID', 'mkfsOptions: too many');
  let open = '';
  for (const token of tokens) open = open === '' ? openOption(token, type) : closeOption(token, type);
  if (open !== '') throw refused(open, 'lacks its value');
  return tokens;
}

/** The option, when its value is the next word; else ''. */
function openOption(token: string, type: FsType): string {
  const [, letter = '', attached = ''] = /^-([A-Za-z])(.*)$/s.exec(token) ?? [];
  const { flags, values } = KNOWN[type];
  if (letter !== '' && flags.includes(letter) && attached === '') return '';
  if (letter === '' || !values.includes(letter)) throw refused(token, `is no option for ${type} that a class may set`);
  return attached === '' ? token : closeOption(attached, type);
}

function closeOption(value: string, type: FsType): '' {
  if (!VALUE.test(value)) throw refused(value, 'is not a plain value');
  const set = value.split(',').map((part) => part.split('=')[0] ?? '');
  const bad = set.find((name) => KNOWN[type].refused.includes(name));
  if (bad !== undefined) throw refused(value, `sets ${bad}, which a class may not`);
  return '';
}

function refused(token: string, why: string): Failure {
  const shown = token.replaceAll(/\p{Cc}/gu, '?').slice(0, 80);
  return new Failure('invalid', 'MKFS_OPTION_INVALID', `mkfsOptions: "${shown}" ${why}`);
}
