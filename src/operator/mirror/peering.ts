/**
 * P1 to P3: site names, pool mode, and a peer on each side. With what a peer's daemon comes to a site: a user that was given for
 * it, or one of our own making where our user may make users; else a peering that exists is taken as it is.
 */
import { Failure } from '#lib/failure';
import { formatPlace, type Place } from '#lib/handle';
import type { PeerSite } from '#mirror';
import type { PeerUser } from '#rbd';
import type { Acting } from './act.ts';

/** Seconds that a copy stays in the trash after its primary was deleted. */
const DELETE_DELAY = 0;
const PEER_MS = 20_000;
/** Users that we made are told apart from others' by this. */
const OURS = 'loligo-mirror';

/** Throws `Failure`: what is in the way, at which site. */
export async function ensurePeers(acting: Acting, place: Place): Promise<void> {
  const { sites, want, seen, log } = acting;
  const scope = { deadline: Date.now() + PEER_MS, log };
  const names = [seen.here.site, seen.there.site];
  const engines = names.map((site) => sites.engineAt(want.cluster, site));
  for (const [index, engine] of engines.entries()) {
    await engine.ensureMirrorPool({ place, siteName: names[index] ?? '', deleteDelay: DELETE_DELAY }, scope);
  }
  const users = await Promise.all(names.map((site) => userFor(acting, site, place)));
  const facts = await Promise.all(engines.map((engine) => engine.mirrorSite({}, scope)));
  for (const [index, engine] of engines.entries()) {
    const other = 1 - index;
    const [peer, user] = [facts[other], users[other]];
    if (peer === undefined || user === undefined) continue;
    const { changed } = await engine.ensurePeer(
      {
        place,
        siteName: names[other] ?? '',
        direction: 'rx-tx',
        fsid: peer.fsid,
        monitors: peer.monitors,
        user: user.user,
        key: user.key,
      },
      scope,
    );
    if (changed.length > 0) log.info({ site: names[index], place: formatPlace(place), changed }, 'the peer was mended');
  }
}

/** With whom the other site's daemon comes to `site`; undefined when the peering that exists is to stay as it is. */
async function userFor({ sites, want, seen, log }: Acting, site: string, place: Place): Promise<PeerUser | undefined> {
  const given = sites.mirrorUser(want.cluster, site);
  if (given !== undefined) return given;
  const other = seen.here.site === site ? seen.there : seen.here;
  const existing = other.pools.get(formatPlace(place))?.peers.find(({ siteName }) => siteName === site);
  if (existing !== undefined && !isOurs(existing)) return undefined;
  const scope = { deadline: Date.now() + PEER_MS, log };
  try {
    const pools = [...new Set(want.places.map(({ pool }) => pool))];
    return await sites.engineAt(want.cluster, site).ensurePeerUser({ user: `${OURS}.${want.policy}`, pools }, scope);
  } catch (error) {
    if (existing !== undefined && error instanceof Failure && error.kind === 'denied') return undefined;
    throw error;
  }
}

function isOurs({ user }: PeerSite): boolean {
  return user.startsWith(`${OURS}.`);
}
