/** How the text of one parameter becomes its value. Each throws `invalid` naming the key. */
import { Failure } from '#lib/failure';
import { isName } from '#lib/handle';
import { parseDuration, parseSize } from '#lib/quantity';

export type Read<Value> = (key: string, text: string) => Value;

export function refused(key: string, what: string): Failure {
  return new Failure('invalid', 'PARAMETER_INVALID', `parameter ${key} ${what}`);
}

/** The name of a cluster, pool or namespace. */
export const name: Read<string> = (key, text) => {
  if (!isName(text)) throw refused(key, 'is not a name of letters, digits, ".", "_" and "-"');
  return text;
};

export const flag: Read<boolean> = (key, text) => {
  if (text !== 'true' && text !== 'false') throw refused(key, 'is neither "true" nor "false"');
  return text === 'true';
};

/** A whole number of bytes: digits, or digits and Ki, Mi, Gi. */
export const size: Read<bigint> = (key, text) => {
  const bytes = parseSize(text);
  if (bytes === undefined) throw refused(key, 'is not a size such as 4Mi or 4194304');
  return bytes;
};

/** Seconds. */
export const duration: Read<number> = (key, text) => {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds > 3650 * 86_400) {
    throw refused(key, 'is not a duration such as 0, 30m, 24h or 7d (at most 3650d)');
  }
  return seconds;
};

export function integer(min: number, max: number): Read<number> {
  return (key, text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw refused(key, `is not a number from ${min} to ${max}`);
    return value;
  };
}

export function powerOfTwo(min: bigint, max: bigint): Read<bigint> {
  return (key, text) => {
    const bytes = size(key, text);
    if (bytes < min || bytes > max || (bytes & (bytes - 1n)) !== 0n) {
      throw refused(key, `is not a power of two from ${min} to ${max}`);
    }
    return bytes;
  };
}

export function oneOf<Word extends string>(words: readonly Word[]): Read<Word> {
  return (key, text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw refused(key, `is not one of: ${words.join(', ')}`);
    return word;
  };
}

/** Text that is handed on, once its form is right. */
export function matching(form: RegExp, what: string): Read<string> {
  return (key, text) => {
    if (!form.test(text)) throw refused(key, `is not ${what}`);
    return text;
  };
}
