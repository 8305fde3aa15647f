/** Making two pools peers, step by step, each a look and a change: Ceph's own bootstrap does all at once and hangs when it cannot. */
import {
  addPeer,
  findPoolOption,
  type MirrorPeer,
  orGone,
  peerAttributes,
  removePeer,
  renamePeer,
  setMirrorMode,
  setPeerAttributes,
  setPeerDirection,
  setPeerUser,
  setPoolOption,
} from '#ceph';
import { Failure } from '#lib/failure';
import type { Place } from '#lib/handle';
import { field, listField, parseJson } from '#lib/json';
import type { PoolMirrorMode } from '#mirror';
import type { Site } from '../site.ts';
import { seePool } from './mirror-facts.ts';
import type { PeerSpec, SiteMirroring, SitePeeringSpec } from './specs.ts';

const IMAGE_MODE = 1;
const POOL_MODE = 2;
const DIRECTIONS = { rx: 0, tx: 1, 'rx-tx': 2 } as const;
const DELETE_DELAY = 'rbd_mirroring_delete_delay';

export async function mirrorSite(site: Site): Promise<SiteMirroring> {
  const [fsid, siteName, map] = await Promise.all([
    site.cluster.fsid(),
    site.cluster.mirrorSiteName(),
    site.cluster.monCommand({ prefix: 'mon dump' }),
  ]);
  return { fsid, siteName, monitors: listField(parseJson(map), 'mons').map(monitorAddress) };
}

/** `[v2:a:3300/0,v1:a:6789/0]`, as a peer's `mon_host` takes it. */
function monitorAddress(monitor: unknown): string {
  const addresses = listField(field(monitor, 'public_addrs'), 'addrvec');
  return `[${addresses.map((address) => `${String(field(address, 'type'))}:${String(field(address, 'addr'))}/0`).join(',')}]`;
}

export async function ensureMirrorPool(
  site: Site,
  { place, siteName, deleteDelay }: SitePeeringSpec,
): Promise<{ readonly mode: PoolMirrorMode; readonly mirrorUuid: string }> {
  const io = await site.openToMake(place);
  const pool = await seePool(site, place);
  if (pool.mode === POOL_MODE) {
    const message = `pool ${place.pool} mirrors every image that has a journal; Loligo mirrors by image`;
    throw new Failure('precondition', 'MIRROR_POOL_MODE', message);
  }
  await ensureSiteName(site, siteName, pool.peers.length > 0);
  if (pool.mode !== IMAGE_MODE) {
    if (place.namespace !== '') await setModeOnce(site, { ...place, namespace: '' });
    await setMirrorMode(io, IMAGE_MODE);
  }
  const delay = String(deleteDelay);
  const whole = await site.openAny({ ...place, namespace: '' });
  if ((await findPoolOption(whole, DELETE_DELAY)) !== delay) await setPoolOption(whole, DELETE_DELAY, delay);
  return { mode: 'image', mirrorUuid: (await seePool(site, place)).mirrorUuid };
}

/** A namespace mirrors only in a pool that does. */
async function setModeOnce(site: Site, pool: Place): Promise<void> {
  if ((await seePool(site, pool)).mode === 0) await setMirrorMode(await site.openAny(pool), IMAGE_MODE);
}

/** Peers know a site by its name, so one that was given is not changed under them. */
async function ensureSiteName(site: Site, wanted: string, hasPeers: boolean): Promise<void> {
  const now = await site.cluster.mirrorSiteName();
  if (now === wanted) return;
  if (hasPeers && now !== (await site.cluster.fsid())) {
    const message = `the cluster mirrors by the name ${now} and has peers that know it so; the policy calls it ${wanted}`;
    throw new Failure('conflict', 'SITE_NAME_TAKEN', message);
  }
  await site.cluster.setMirrorSiteName(wanted);
}

export async function ensurePeer(
  site: Site,
  spec: PeerSpec,
): Promise<{ readonly uuid: string; readonly changed: readonly string[] }> {
  const io = await site.openAny({ ...spec.place, namespace: '' });
  await checkPeer(site, spec);
  const { peers } = await seePool(site, spec.place);
  // One that only sends was made by the peer's daemon for itself, and says nothing of how to fetch.
  const fetching = peers.filter(({ direction }) => direction !== DIRECTIONS.tx);
  // One from before its cluster had a name is known by the fsid.
  const known = peers.find(({ siteName }) => siteName === spec.siteName) ?? fetching.find(({ siteName }) => siteName === spec.fsid);
  const foreign = fetching.find((peer) => peer !== known);
  if (foreign !== undefined) {
    const message = `pool ${spec.place.pool} has another peer, ${foreign.siteName}: Ceph fetches from one`;
    throw new Failure('conflict', 'MIRROR_PEER_FOREIGN', message);
  }
  const direction = DIRECTIONS[spec.direction];
  const uuid = known?.uuid ?? (await addPeer(io, { direction, siteName: spec.siteName, user: spec.user }));
  const changed = known === undefined ? ['peer'] : await mend(site, spec, known);
  const wanted = new Map([
    ['mon_host', spec.monitors.join(',')],
    ['key', spec.key],
  ]);
  const attributes = await peerAttributes(io, uuid);
  const differing = [...wanted].filter(([key, value]) => attributes.get(key) !== value).map(([key]) => key);
  if (differing.length > 0) await setPeerAttributes(io, uuid, wanted);
  return { uuid, changed: [...changed, ...differing] };
}

async function checkPeer(site: Site, { fsid, siteName }: PeerSpec): Promise<void> {
  if (fsid === (await site.cluster.fsid())) {
    throw new Failure(
      'conflict',
      'SAME_CLUSTER',
      `site ${siteName} is the same Ceph cluster (${fsid}): it cannot mirror to itself`,
    );
  }
  if (siteName === (await site.cluster.mirrorSiteName())) {
    throw new Failure('conflict', 'SITE_NAME_TAKEN', `both sites mirror by the name ${siteName}`);
  }
}

async function mend(site: Site, spec: PeerSpec, peer: MirrorPeer): Promise<string[]> {
  const io = await site.openAny({ ...spec.place, namespace: '' });
  const changed: string[] = [];
  if (peer.siteName !== spec.siteName) {
    await renamePeer(io, peer.uuid, spec.siteName);
    changed.push('site_name');
  }
  if (peer.user !== spec.user) {
    await setPeerUser(io, peer.uuid, spec.user);
    changed.push('user');
  }
  if (peer.direction !== DIRECTIONS[spec.direction]) {
    await setPeerDirection(io, peer.uuid, DIRECTIONS[spec.direction]);
    changed.push('direction');
  }
  return changed;
}

export async function dropPeer(site: Site, { place, uuid }: { readonly place: Place; readonly uuid: string }): Promise<void> {
  await orGone(removePeer(await site.openAny({ ...place, namespace: '' }), uuid));
}
