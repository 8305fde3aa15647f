/** The one place where CSI's int64 (text in our messages, so that no digit is lost) and bytes as bigint meet. */
import { invalid } from './refuse.ts';

const INT64_MAX = 2n ** 63n - 1n;

/** Throws `invalid` naming the field when the number is negative. */
export function readBytes(field: string, text: string): bigint {
  const bytes = BigInt(text);
  if (bytes < 0n) throw invalid(field, 'is negative');
  return bytes;
}

/** More than an int64 holds is told as the most that it holds. */
export function writeBytes(bytes: bigint): string {
  return String(bytes > INT64_MAX ? INT64_MAX : bytes);
}
