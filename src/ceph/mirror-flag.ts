/**
 * The flag in an image's header that makes it read-only as somebody's copy, and the lock that librbd's demote holds while it
 * writes it.
 *
 *   demote   takes the exclusive lock, sets the flag, adds a snapshot "demoted", lets the lock go
 *   promote  adds a snapshot "primary", clears the flag (by force it holds the lock, otherwise not)
 *
 * So a flag over a snapshot "primary" is a promote that stopped, or a demote that has stopped or is going on: the lock tells.
 */
import { optional } from './class-method.ts';
import { type Decoder, Encoder } from './codec.ts';
import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';
import { ReadOperation, WriteOperation } from './operation.ts';

const LOCK = 'rbd_lock';
const EXCLUSIVE = 1;
/** librbd's own: to any other tag it gives up instead of waiting. */
const TAG = 'internal';
const COOKIE = 'auto 1';
/** The lock ends by itself should this process die holding it. */
const LOCK_SECONDS = 10;
const CLIENT = 8;

export interface LockHolder {
  /** As `Watcher.client` has it. */
  readonly client: bigint;
  readonly cookie: string;
}

/**
 * Who holds the exclusive lock of an image. One round trip; nothing is opened. Implements: cls_lock get_info on
 * `rbd_header.<id>`.
 */
export async function findLockHolder(io: IoContext, id: string): Promise<LockHolder | undefined> {
  using operation = new ReadOperation(io);
  const info = operation.exec('lock', 'get_info', new Encoder().struct(new Encoder().string(LOCK)).bytes(), 4096);
  await operation.run(`rbd_header.${id}`);
  return optional(info)?.struct((body) => body.list(decodeHolder))[0];
}

/** A locker_id_t, and behind it a locker_info_t that is passed over. */
function decodeHolder(decoder: Decoder): LockHolder {
  const holder = decoder.struct((body) => {
    body.u8();
    return { client: body.s64(), cookie: body.string() };
  });
  decoder.struct(() => undefined);
  return holder;
}

export interface FlagChange {
  readonly flag: bigint;
  readonly to: 'set' | 'clear';
  /** `snapshotSequence` of the header that the change was decided on. */
  readonly sequence: bigint;
  /** Whose lock is broken with it: he is cut off already. Without one the lock must be free. Setting asks for no lock. */
  readonly broken?: LockHolder | undefined;
}

/**
 * False, and nothing is changed, where a snapshot was added since the look, or (clearing) somebody holds the lock: then a demote
 * is going on. Throws CephError ENOENT when the image is gone.
 *
 * Implements: cls_rbd set_features with cls_lock lock, unlock and break_lock on `rbd_header.<id>`.
 */
export async function changeNonPrimaryFlag(io: IoContext, id: string, change: FlagChange): Promise<boolean> {
  const { flag, to, broken } = change;
  const object = `rbd_header.${id}`;
  const takesLock = to === 'clear' && broken === undefined;
  using operation = new WriteOperation(io);
  operation.assertExists().compareKey('snap_seq', new Encoder().u64(change.sequence).bytes());
  if (takesLock) operation.exec('lock', 'lock', lockInput());
  if (to === 'clear' && broken !== undefined) operation.exec('lock', 'break_lock', breakInput(broken));
  operation.exec(
    'rbd',
    'set_features',
    new Encoder()
      .u64(to === 'set' ? flag : 0n)
      .u64(flag)
      .bytes(),
  );
  try {
    await operation.run(object);
  } catch (error) {
    if (isErrno(error, 'ECANCELED', 'EBUSY', 'EEXIST') || (broken !== undefined && isErrno(error, 'ENOENT'))) return false;
    throw error;
  }
  if (takesLock) await unlock(io, object);
  return true;
}

async function unlock(io: IoContext, object: string): Promise<void> {
  using operation = new WriteOperation(io);
  const input = new Encoder().struct(new Encoder().string(LOCK).string(COOKIE)).bytes();
  try {
    await operation.assertExists().exec('lock', 'unlock', input).run(object);
  } catch (error) {
    // It ended by itself.
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

function lockInput(): Buffer {
  const names = new Encoder().string(LOCK).u8(EXCLUSIVE).string(COOKIE).string(TAG).string('');
  return new Encoder().struct(names.u32(LOCK_SECONDS).u32(0).u8(0)).bytes();
}

function breakInput({ client, cookie }: LockHolder): Buffer {
  return new Encoder().struct(new Encoder().string(LOCK).u8(CLIENT).u64(client).string(cookie)).bytes();
}
