/**
 * What the sites agree on for a policy: the omap object `loligo.mirror` of the policy's home place at each site, one key
 * `policy/<name>` for each. Mirroring does not copy it: each site has its own.
 *   T1  it changes by compare-and-set with the whole text that was read, so of two operators one is refused;
 *   T2  the epoch never goes down;
 *   T3  an intent is there before the first image is touched for it, and gone after the last;
 *   T4  what cannot be read is never taken for "no truth".
 */
import { createHash } from 'node:crypto';
import { findKey, type IoContext, isErrno, WriteOperation } from '#ceph';
import { Failure } from '#lib/failure';
import { field, parseJson } from '#lib/json';
import type { Truth } from '#mirror';
import type { Site } from '../site.ts';
import type { Decided, SeenTruth, TruthChange, TruthRef } from './specs.ts';

const TRUTHS = 'loligo.mirror';
const VERSION = 1;

export async function mirrorTruth(site: Site, ref: TruthRef): Promise<SeenTruth> {
  return await readTruth(await site.open(ref.home), ref.policy);
}

/** One round trip. */
export async function readTruth(io: IoContext, policy: string): Promise<SeenTruth> {
  return seen((await findKey(io, TRUTHS, keyOf(policy))) ?? '', policy);
}

export async function changeMirrorTruth(site: Site, { policy, home, revision, to }: TruthChange): Promise<SeenTruth> {
  const io = await site.openToMake(home);
  const text = (await findKey(io, TRUTHS, keyOf(policy))) ?? '';
  const now = seen(text, policy);
  const wanted = JSON.stringify({ v: VERSION, ...to });
  if (text === wanted) return now;
  if (now.revision !== revision) throw changed(policy);
  if (now.truth !== undefined && to.epoch < now.truth.epoch) {
    throw new Failure('precondition', 'EPOCH_OVER', `policy ${policy} is at epoch ${now.truth.epoch}, and ${to.epoch} is over`);
  }
  using operation = new WriteOperation(io);
  operation.create().compareKey(keyOf(policy), text).setKey(keyOf(policy), wanted);
  try {
    await operation.run(TRUTHS);
  } catch (error) {
    if (isErrno(error, 'ECANCELED')) throw changed(policy);
    throw error;
  }
  return seen(wanted, policy);
}

export async function dropMirrorTruth(site: Site, { policy, home }: TruthRef): Promise<void> {
  using operation = new WriteOperation(await site.open(home));
  await operation.create().removeKey(keyOf(policy)).run(TRUTHS);
}

/** Throws `busy` TRUTH_CHANGED when the site's truth is another one by now. One round trip, none without a policy. */
export async function checkDecided(site: Site, decided: Decided | undefined): Promise<void> {
  if (decided === undefined) return;
  const { truth } = await mirrorTruth(site, decided.policy);
  if (truth !== undefined && (truth.intent?.epoch ?? truth.epoch) === decided.epoch) return;
  throw changed(decided.policy.policy);
}

function seen(text: string, policy: string): SeenTruth {
  if (text === '') return { truth: undefined, revision: '' };
  const parsed = parseJson(text);
  const numbers = ['epoch', 'updatedAt'].every((name) => typeof field(parsed, name) === 'number');
  const texts = ['primarySite', 'specHash', 'updatedBy'].every((name) => typeof field(parsed, name) === 'string');
  if (field(parsed, 'v') !== VERSION || !numbers || !texts) {
    throw new Failure(
      'precondition',
      'TRUTH_UNREADABLE',
      `${TRUTHS} holds of policy ${policy} what this Loligo cannot read: update it`,
    );
  }
  const revision = createHash('sha256').update(text).digest('hex').slice(0, 16);
  // Checked above as far as anything is decided by it.
  return { truth: parsed as Truth, revision };
}

function changed(policy: string): Failure {
  return new Failure('busy', 'TRUTH_CHANGED', `what the site says of policy ${policy} was changed by another operator meanwhile`);
}

function keyOf(policy: string): string {
  return `policy/${policy}`;
}
