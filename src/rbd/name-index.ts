/**
 * Which snapshot names are taken in a place: omap objects `loligo.snapshots.<n>`, a name in the one of 16 that its
 * hash says. Key `snapshot/<name>` holds the image and its id, key `group/<name>` the images of a group snapshot.
 *   X1  a key is written before what it names is made, by a compare in the same operation, and removed after that is gone;
 *   X2  so a key may be there with nothing behind it: a call that was cut off, which its repetition finishes;
 *   X3  it is an index and not the truth: no look-up, list or delete depends on it. All that is lost with it is that
 *       "same name, other source" is an error, for the names that were in it;
 *   X4  a key with nothing behind it that is older than any creator lives (or whose image is gone) is taken over.
 */
import { createHash } from 'node:crypto';
import { findKey, type IoContext, isErrno, orGone, WriteOperation } from '#ceph';
import { Failure } from '#lib/failure';
import { field, parseJson } from '#lib/json';

const SHARDS = 16;
const VERSION = 1;

/** What holds a name. */
export interface Claim {
  readonly v: number;
  /** `pool[/namespace]/image` of each source, sorted. */
  readonly sources: readonly string[];
  readonly instance: string;
  /** Milliseconds since the epoch: when the call that claimed it began. */
  readonly since: number;
  /** Of the one image of a snapshot's name: a deleted volume and a new one have the same name. Older claims are without. */
  readonly id?: string;
}

export type ClaimKey = `snapshot/${string}` | `group/${string}`;

export function newClaim(sources: readonly string[], instance: string, id?: string): Claim {
  return { v: VERSION, sources: sources.toSorted(), instance, since: Date.now(), ...(id === undefined ? {} : { id }) };
}

/** Takes the name in one round trip, or gives the claim that holds it. */
export async function claimName(io: IoContext, key: ClaimKey, claim: Claim): Promise<Claim | 'ours'> {
  if (await swap(io, key, { from: '', to: JSON.stringify(claim) })) return 'ours';
  return (await findClaim(io, key)) ?? 'ours';
}

/** Takes the name from a claim that has nothing behind it. Throws `busy` when somebody else was faster. */
export async function takeOver(io: IoContext, key: ClaimKey, change: { readonly from: Claim; readonly to: Claim }): Promise<void> {
  if (await swap(io, key, { from: JSON.stringify(change.from), to: JSON.stringify(change.to) })) return;
  throw new Failure('busy', 'NAME_CONTENDED', `the name of ${key} is being taken by another call`);
}

export async function findClaim(io: IoContext, key: ClaimKey): Promise<Claim | undefined> {
  const text = await findKey(io, objectOf(key), key);
  return text === undefined || text === '' ? undefined : parseClaim(text, key);
}

/** Done also when there is no such key. Makes no object, so that it works on a full pool. */
export async function dropName(io: IoContext, key: ClaimKey): Promise<void> {
  using operation = new WriteOperation(io);
  await orGone(operation.assertExists().removeKey(key).run(objectOf(key)));
}

async function swap(io: IoContext, key: ClaimKey, change: { readonly from: string; readonly to: string }): Promise<boolean> {
  using operation = new WriteOperation(io);
  operation.create().compareKey(key, change.from).setKey(key, change.to);
  try {
    await operation.run(objectOf(key));
    return true;
  } catch (error) {
    if (isErrno(error, 'ECANCELED')) return false;
    throw error;
  }
}

/** Claims are compared as text, so the order of fields is kept as it was written. */
function parseClaim(text: string, key: ClaimKey): Claim {
  const parsed = parseJson(text);
  if (isClaim(parsed)) return parsed;
  throw new Failure(
    'precondition',
    'INDEX_UNREADABLE',
    `${objectOf(key)} holds for ${key} what this Loligo cannot read: update it`,
  );
}

function isClaim(value: unknown): value is Claim {
  return (
    field(value, 'v') === VERSION &&
    Array.isArray(field(value, 'sources')) &&
    typeof field(value, 'since') === 'number' &&
    typeof field(value, 'instance') === 'string'
  );
}

function objectOf(key: ClaimKey): string {
  const [first = 0] = createHash('sha256').update(key).digest();
  return `loligo.snapshots.${first % SHARDS}`;
}
