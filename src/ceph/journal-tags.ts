/**
 * The tags of an image's journal: each says whose writes follow, this site's, another one's, or nobody's after a demotion.
 * Read by methods of the OSD's object class `journal`.
 */
import { optional } from './class-method.ts';
import { Decoder, Encoder } from './codec.ts';
import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';
import { ReadOperation } from './operation.ts';

/** librbd's `ORPHAN_MIRROR_UUID`; its own site is ''. */
export const NOBODY = '<orphan>';
const TAGS = 64;
const ROOM = 64 * 1024;
/** The client that stands for this site's own librbd. */
const OWN_CLIENT = '';

export interface JournalTag {
  readonly tid: bigint;
  /** '' for this site, NOBODY, or the mirror uuid of another site's pool. */
  readonly owner: string;
  /** Whose writes came before, and the last of them. */
  readonly before: { readonly owner: string; readonly tagTid: bigint; readonly entryTid: bigint };
}

export interface Journal {
  /** Newest first; those that no client needs any more are gone. */
  readonly tags: readonly JournalTag[];
  readonly resyncAsked: boolean;
}

/**
 * One round trip; undefined when the image has no journal.
 *
 * Implements: cls_journal tag_list and get_client on `journal.<id>`.
 */
export async function findJournal(io: IoContext, id: string): Promise<Journal | undefined> {
  using operation = new ReadOperation(io);
  // Behind no tag, of any class (an absent optional).
  const all = new Encoder().u64(0n).u64(BigInt(TAGS)).string(OWN_CLIENT).u8(0).bytes();
  const tags = operation.exec('journal', 'tag_list', all, ROOM);
  const client = operation.exec('journal', 'get_client', new Encoder().string(OWN_CLIENT).bytes(), 1024);
  try {
    await operation.run(`journal.${id}`);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  const found = new Decoder(tags()).list((decoder) => decoder.struct(decodeTag));
  const newestFirst = found.toSorted((a, b) => Number(b.tid - a.tid));
  return { tags: newestFirst, resyncAsked: optional(client)?.struct(decodeResync) ?? false };
}

function decodeTag(body: Decoder): JournalTag {
  const tid = body.u64();
  body.u64(); // its class
  const data = new Decoder(body.bytes());
  const owner = data.string();
  const before = data.string();
  data.u8(); // whether the position behind it says anything: zeros if not
  return { tid, owner, before: { owner: before, tagTid: data.u64(), entryTid: data.u64() } };
}

/** A client's data: a kind, and for librbd's own one the class of its tags and whether a resync was asked for. */
function decodeResync(body: Decoder): boolean {
  body.string(); // its id
  return new Decoder(body.bytes()).struct((data) => {
    if (data.u32() !== 0) return false;
    data.u64();
    return data.u8() !== 0;
  });
}
