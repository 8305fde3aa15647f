/** What an image is at this site, read from what Ceph itself decides it from. */
import {
  findJournal,
  findMirrorHeader,
  type IoContext,
  type Journal,
  type JournalTag,
  type MirrorHeader,
  type MirrorNamespace,
  NOBODY,
  readSnapshots,
  type SnapshotInfo,
} from '#ceph';
import type { DemotionMark, MirrorMode, MirrorSnapshot, Standing } from '#mirror';
import { NON_PRIMARY } from '../features.ts';
import { MIRROR_MARK } from './mark.ts';

const STATES = ['primary', 'primary-demoted', 'non-primary', 'non-primary-demoted'] as const;

/** An image's header with all its mirror snapshots, and its journal where it has one. */
export interface SeenMirror {
  readonly header: MirrorHeader;
  /** Newest first. */
  readonly snapshots: readonly MirrorSnapshot[];
  readonly journal: Journal | undefined;
  readonly standing: Standing;
  readonly resyncAsked: boolean;
}

/** Of which image; `ownUuid` is the mirror uuid of the pool here. */
export interface MirrorTarget {
  readonly id: string;
  readonly mode: MirrorMode;
  readonly ownUuid: string;
}

/** Which snapshots an image had at the last look, so that one round trip reads them again. Only a guess: what is new is read anyway. */
export class SnapshotGuesses {
  readonly #mirror = new Map<string, readonly bigint[]>();
  readonly #others = new Map<string, ReadonlySet<bigint>>();

  of(id: string): readonly bigint[] {
    return this.#mirror.get(id) ?? [];
  }

  isOther(id: string, snapshotId: bigint): boolean {
    return this.#others.get(id)?.has(snapshotId) ?? false;
  }

  note(id: string, all: readonly bigint[], mirror: readonly bigint[]): void {
    this.#mirror.set(id, mirror);
    this.#others.set(id, new Set(all.filter((one) => !mirror.includes(one))));
  }
}

/**
 * One round trip (two in journal mode), and one more for snapshots that the guesses did not have. Undefined when the image
 * is gone.
 */
export async function seeMirror(io: IoContext, target: MirrorTarget, guesses: SnapshotGuesses): Promise<SeenMirror | undefined> {
  const { id, ownUuid, mode } = target;
  const resyncKey = `.rbd_mirror.${ownUuid}`;
  const ask = { keys: [MIRROR_MARK, resyncKey], snapshots: guesses.of(id) };
  const reading = [findMirrorHeader(io, id, ask), mode === 'journal' ? findJournal(io, id) : undefined] as const;
  const [header, journal] = await Promise.all(reading);
  if (header === undefined) return undefined;
  const known = new Set(header.snapshots.map((snapshot) => snapshot.id));
  const unknown = header.snapshotIds.filter((one) => !known.has(one) && !guesses.isOther(id, one));
  const more = unknown.length === 0 ? [] : await readSnapshots(io, id, unknown);
  const snapshots = [...header.snapshots, ...more].flatMap(mirrorSnapshot).toSorted(newestFirst);
  guesses.note(
    id,
    header.snapshotIds,
    snapshots.map((snapshot) => BigInt(snapshot.id)),
  );
  const standing = mode === 'journal' ? byJournal(journal, ownUuid) : bySnapshots(header, snapshots, ownUuid);
  const asked =
    mode === 'journal' ? journal?.resyncAsked === true : /"resync_requested": *true/.test(header.metadata.get(resyncKey) ?? '');
  return { header, snapshots, journal, standing, resyncAsked: asked };
}

/**
 * librbd promotes in two writes: the snapshot that says so, then the header's flag. Killed in between it leaves an image that is
 * primary, takes no writes, and cannot be promoted again. A demote writes the flag first, and can be killed so too.
 */
export function isHalfMoved({ standing, header }: Pick<SeenMirror, 'standing' | 'header'>): boolean {
  return standing.role === 'primary' && (header.features & NON_PRIMARY) !== 0n;
}

/**
 * The other way round: no primary, and nothing keeps clients from writing. A promote that was cut off for half a minute, and came to
 * when the image had been finished and moved on, clears the flag of what is no longer its to clear.
 */
export function isExposed({ standing, header, journal }: Pick<SeenMirror, 'standing' | 'header' | 'journal'>): boolean {
  return standing.role !== 'primary' && journal === undefined && (header.features & NON_PRIMARY) === 0n;
}

function newestFirst(a: MirrorSnapshot, b: MirrorSnapshot): number {
  return BigInt(a.id) < BigInt(b.id) ? 1 : -1;
}

function mirrorSnapshot({ id, createdAt, namespace }: SnapshotInfo): MirrorSnapshot[] {
  if (namespace.kind !== 'mirror') return [];
  return [{ id: String(id), at: createdAt, ...mirrorFields(namespace) }];
}

function mirrorFields(namespace: MirrorNamespace): Omit<MirrorSnapshot, 'id' | 'at'> {
  const copy = namespace.state >= 2;
  return {
    state: STATES[namespace.state] ?? 'non-primary',
    complete: namespace.complete,
    waitingPeers: namespace.peers,
    primaryMirrorUuid: copy ? namespace.primaryMirrorUuid : '',
    primarySnapshotId: copy && namespace.primaryMirrorUuid !== '' ? String(namespace.primarySnapshotId) : '',
    copiedObjects: Number(namespace.copiedObjects),
  };
}

/** The newest mirror snapshot decides, as in librbd; before there is one, the header's flag. */
function bySnapshots(header: MirrorHeader, snapshots: readonly MirrorSnapshot[], ownUuid: string): Standing {
  const [newest] = snapshots;
  if (newest === undefined) return (header.features & NON_PRIMARY) === 0n ? { role: 'primary' } : { role: 'secondary', peer: '' };
  switch (newest.state) {
    case 'primary':
      return { role: 'primary' };
    case 'primary-demoted':
      return { role: 'demoted', by: 'this-site', mark: `${ownUuid}/${newest.id}`, complete: true, ...began(snapshots) };
    case 'non-primary':
      return { role: 'secondary', peer: newest.primaryMirrorUuid };
    case 'non-primary-demoted': {
      const mark = `${newest.primaryMirrorUuid}/${newest.primarySnapshotId}`;
      return { role: 'demoted', by: 'peer', mark, complete: newest.complete };
    }
  }
}

/** The copy that is below all of this site's own snapshots: what it went on from. */
function began(snapshots: readonly MirrorSnapshot[]): { readonly since?: DemotionMark } {
  const copy = snapshots.find(({ state }) => state.startsWith('non-primary'));
  return copy?.state === 'non-primary-demoted' && copy.complete
    ? { since: `${copy.primaryMirrorUuid}/${copy.primarySnapshotId}` }
    : {};
}

/** The newest tag decides. A demotion that was replayed here has the position that it was made at, as it was there. */
function byJournal(journal: Journal | undefined, ownUuid: string): Standing {
  const [tag, ...older] = journal?.tags ?? [];
  if (tag === undefined) return { role: 'secondary', peer: '' };
  if (tag.owner === '') return { role: 'primary' };
  if (tag.owner !== NOBODY) return { role: 'secondary', peer: tag.owner };
  const mark = markOf(tag, ownUuid);
  if (tag.before.owner !== '') return { role: 'demoted', by: 'peer', mark, complete: true };
  // Behind this site's own tags: whose demotion they began with.
  const first = older.find(({ owner, before }) => owner !== '' && !(owner === NOBODY && before.owner === ''));
  const since = first?.owner === NOBODY ? { since: markOf(first, ownUuid) } : {};
  return { role: 'demoted', by: 'this-site', mark, complete: true, ...since };
}

function markOf({ before: { owner, tagTid, entryTid } }: JournalTag, ownUuid: string): DemotionMark {
  return `${owner === '' ? ownUuid : owner}/${tagTid}.${entryTid}`;
}
