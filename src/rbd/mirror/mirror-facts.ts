import {
  type IoContext,
  listDirectory,
  listMirrorDaemons,
  listMirrorImages,
  type MirrorImageEntry,
  type MirrorPool,
  readMirrorPool,
} from '#ceph';
import { compareText } from '#lib/compare-text';
import type { Place } from '#lib/handle';
import { inParallel } from '#lib/in-parallel';
import type { DaemonStatus, ImageDetail, ImageFacts, ImageSummary, PeerDirection, PoolFacts, PoolMirrorMode } from '#mirror';
import type { Site } from '../site.ts';
import { readMark } from './mark.ts';
import { isExposed, isHalfMoved, seeMirror } from './standing.ts';

const POOL_MODES: readonly PoolMirrorMode[] = ['disabled', 'image', 'pool'];
const DIRECTIONS: readonly PeerDirection[] = ['rx', 'tx', 'rx-tx'];
const STATUS_STATES = ['unknown', 'error', 'syncing', 'starting-replay', 'replaying', 'stopping-replay', 'stopped'] as const;
const DISABLED = 2;
const DISABLING = 0;
const JOURNAL = 0;

const PAGE = 512;
const AT_ONCE = 32;

interface Asked {
  readonly place: Place;
  readonly exact: 'all' | 'none' | readonly string[];
}

export async function mirrorFacts(site: Site, { place, exact }: Asked): Promise<PoolFacts> {
  const io = await site.openAny(place);
  const [fsid, pool, entries, daemons] = await Promise.all([
    site.cluster.fsid(),
    seePool(site, place),
    listMirrorImages(io),
    seeDaemons(site, place),
  ]);
  const summaries = entries.size === 0 ? [] : summarize(entries, await listNames(io));
  const images: ImageFacts[] = [];
  await inParallel(summaries, AT_ONCE, async (summary) => {
    const wanted = exact === 'all' || (exact !== 'none' && exact.includes(summary.image));
    const detail = wanted ? await seeDetail(site, { io, summary, ownUuid: pool.mirrorUuid }) : undefined;
    // A resync or a deletion may have taken it away meanwhile.
    if (!wanted || detail !== undefined) images.push({ ...summary, detail });
  });
  images.sort((a, b) => compareText(a.image, b.image));
  return { fsid, at: Date.now(), mode: POOL_MODES[pool.mode] ?? 'disabled', ...describePool(pool), daemons, images };
}

/** Peers and uuid are the pool's, the mode is the namespace's own. */
export async function seePool(site: Site, place: Place): Promise<MirrorPool> {
  const pool = await readMirrorPool(await site.openAny({ ...place, namespace: '' }));
  if (place.namespace === '') return pool;
  return { ...pool, mode: (await readMirrorPool(await site.openAny(place))).mode };
}

async function seeDaemons(site: Site, place: Place): Promise<readonly string[]> {
  return await listMirrorDaemons(await site.openAny({ ...place, namespace: '' }));
}

function describePool(pool: MirrorPool): Pick<PoolFacts, 'mirrorUuid' | 'peers'> {
  return {
    mirrorUuid: pool.mirrorUuid,
    peers: pool.peers.map((peer) => ({ ...peer, direction: DIRECTIONS[peer.direction] ?? 'rx' })),
  };
}

/** Names by id: the directory has them in the order of names. One round trip for each 512. */
async function listNames(io: IoContext): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (let after = ''; ; ) {
    const page = await listDirectory(io, after, PAGE);
    for (const [name, id] of page) names.set(id, name);
    const last = [...page.keys()].at(-1);
    if (last === undefined || page.size < PAGE) return names;
    after = last;
  }
}

function summarize(entries: ReadonlyMap<string, MirrorImageEntry>, names: ReadonlyMap<string, string>): ImageSummary[] {
  return [...entries].flatMap(([id, entry]) => {
    const image = names.get(id);
    if (image === undefined || entry.state === DISABLED) return [];
    return [
      {
        image,
        id,
        globalId: entry.globalId,
        mode: entry.mode === JOURNAL ? 'journal' : 'snapshot',
        state: entry.state === DISABLING ? 'disabling' : 'enabled',
        statuses: entry.statuses.map(describeStatus),
      } as const,
    ];
  });
}

function describeStatus({ state, ...rest }: MirrorImageEntry['statuses'][number]): DaemonStatus {
  return { ...rest, state: STATUS_STATES[state] ?? 'unknown' };
}

interface DetailOf {
  readonly io: IoContext;
  readonly summary: ImageSummary;
  readonly ownUuid: string;
}

async function seeDetail(site: Site, { io, summary, ownUuid }: DetailOf): Promise<ImageDetail | undefined> {
  const seen = await seeMirror(io, { ...summary, ownUuid }, site.mirrorSnapshots);
  if (seen === undefined) return undefined;
  const { header, standing, snapshots, resyncAsked } = seen;
  const parent = header.parent && {
    id: header.parent.imageId,
    place: { pool: await site.poolName(header.parent.poolId), namespace: header.parent.namespace },
  };
  const policy = readMark(header.metadata, summary.image)?.policy ?? '';
  return {
    standing,
    size: header.size,
    snapshots,
    resyncAsked,
    parent,
    policy,
    halfMoved: isHalfMoved(seen),
    exposed: isExposed(seen),
  };
}
