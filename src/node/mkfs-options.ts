/** `mkfsOptions` of a StorageClass: options and their values, never a path that would name another device or a file. */
import { Failure } from '#lib/failure';

const TOKENS_MAX = 64;

/** The text split at blanks, each part checked. Throws `invalid` naming the part. */
export function readMkfsOptions(text: string): readonly string[] {
  const tokens = text.split(/ +/).filter((token) => token !== '');
  if (tokens.length > TOKENS_MAX) throw new Failure('invalid', 'MKFS_OPTION_INVALID', 'mkfsOptions: too many');
  for (const token of tokens) {
    if (/^[A-Za-z0-9^=,._:+-]+$/.test(token)) continue;
    const shown = token.replaceAll(/\p{Cc}/gu, '?').slice(0, 80);
    throw new Failure('invalid', 'MKFS_OPTION_INVALID', `mkfsOptions: "${shown}" is not a plain option or value`);
  }
  return tokens;
}
