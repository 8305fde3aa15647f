/**
 * The LUKS header of an encrypted volume's image, made once: when the image is blank, as a new one is.
 *
 * A mark near the end of the image says that it is being made. It is written before the header, and goes with the last
 * write of the making, which is of zeros through the opened device: so under a mark there is nothing of a user's, and
 * without one a header is never written over anything but zeros. The zeros also make the ends of the opened device blank,
 * as those of a new image are; what lies between reads as noise.
 */
import { Failure } from '#lib/failure';
import { LUKS_HEADER } from '#lib/luks';
import { isZero, lastMib, MIB, readMib, writeBytes } from './device-blocks.ts';
import type { Device } from './mapper.ts';

const MARK = Buffer.alloc(512, 'loligo: a LUKS header is being made here\n');
/** LUKS2 keeps its header twice, and is opened by either one. */
const MAGIC = [
  { at: 0, bytes: Buffer.from('LUKS\xba\xbe\0\x02', 'latin1') },
  { at: 16 * 1024, bytes: Buffer.from('SKUL\xba\xbe\0\x02', 'latin1') },
];
/** What LUKS encrypts as one: written with one block, all of it is written anew. */
const BLOCK = 4096;

/** `blank` and `begun` hold nothing of a user's; `other` is anything that is no LUKS header. */
export type Content = 'blank' | 'begun' | 'luks' | 'other';

/** A device that cannot be read is an error, and never "blank". */
export async function inspectRaw(device: Device): Promise<Content> {
  if (device.size <= LUKS_HEADER) return 'other';
  // What dm-crypt writes to the device is not in the page cache of the device itself.
  const head = await readMib(device, 0n, 'direct');
  const tail = await readMib(device, tailOf(device) / BigInt(MIB), 'direct');
  if (tail.subarray(0, MARK.length).equals(MARK)) return 'begun';
  if (MAGIC.some(({ at, bytes }) => head.subarray(at, at + bytes.length).equals(bytes))) return 'luks';
  return isZero(head) && isZero(tail) ? 'blank' : 'other';
}

/** Throws `precondition` unless the content is one that a header may be written over. */
export function checkFormattable(content: Content, { readonly }: Device): void {
  if (readonly) throw new Failure('precondition', 'NOTHING_TO_READ', 'the volume holds nothing yet, and is read-only');
  if (content === 'other') {
    throw new Failure(
      'precondition',
      'VOLUME_NOT_ENCRYPTED',
      'the volume is to be encrypted and holds data that is not; it stays as it is',
    );
  }
}

/** Nobody begins a header while this goes on: written late, the mark would make one of a user's data. */
export async function writeMark(device: Device, lock: string): Promise<void> {
  await writeBytes(device, MARK, { offset: tailOf(device), unit: MARK.length, lock });
}

/** Blanks the ends of the device that was opened on it, those under the mark last. */
export async function clearEnds(device: Device, opened: Device): Promise<void> {
  const tail = tailOf(device) - LUKS_HEADER;
  const length = Math.min(MIB, Number(opened.size - tail));
  if (tail >= BigInt(MIB)) await zero(opened, 0n, MIB);
  else if (tail > 0n) await zero(opened, 0n, Number(tail));
  await zero(opened, tail + BigInt(BLOCK), length - BLOCK);
  await zero(opened, tail, BLOCK);
}

async function zero(device: Device, offset: bigint, length: number): Promise<void> {
  if (length > 0) await writeBytes(device, Buffer.alloc(length), { offset, unit: BLOCK });
}

/** Bytes: the last whole MiB, and never before the data. */
function tailOf(device: Device): bigint {
  const last = lastMib(device) * BigInt(MIB);
  return last < LUKS_HEADER ? LUKS_HEADER : last;
}
