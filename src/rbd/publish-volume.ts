/**
 * Publishing is a guard: it refuses a node while another one has a volume that takes only one. What it can see is the
 * image, this site's publications (publications.ts), and what it knows of where a mirrored volume is primary.
 */
import { Image, type IoContext } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { isSameNode, parseNodeId } from '#lib/node-id';
import { openPlaces } from './find-places.ts';
import { getVolumeImage } from './look.ts';
import { MIRROR_MARK } from './mirror/mark.ts';
import { checkServedHere } from './mirror/served-here.ts';
import { isUnused, strangersAmong } from './own-clients.ts';
import { changePublications, isShared, listPublications } from './publications.ts';
import { KEY } from './record.ts';
import type { Site } from './site.ts';
import type { Publication, Published, PublishSpec } from './specs.ts';
import { storedKeyOf } from './volume-keys.ts';
import { hostOf } from './watcher-address.ts';

export async function publishVolume(site: Site, spec: PublishSpec): Promise<Published> {
  if (parseNodeId(spec.node) === undefined) {
    throw new Failure('not-found', 'NODE_NOT_FOUND', `"${spec.node}" is no node of ours: an id is a name, @ and its addresses`);
  }
  const volume = await getVolumeImage(site, spec.volume, [MIRROR_MARK, KEY]);
  await checkServedHere(site, volume);
  const { io, header, image } = volume;
  const key = storedKeyOf(spec.volume, volume);
  let isAlone = true;
  await changePublications(io, { image, id: header.id }, async (now) => {
    isAlone = now.every((publication) => isSameNode(publication.node, spec.node));
    const here = now.find((publication) => isSameNode(publication.node, spec.node));
    if (here !== undefined) {
      checkSame(spec, here);
      return here.node === spec.node ? undefined : now.map((one) => (one === here ? { ...here, node: spec.node } : one));
    }
    checkOthers(spec, now);
    if (!isShared(spec.mode)) await refuseStrangers(io, header.id, spec);
    await checkNodeLimit(site, spec);
    return [...now, { node: spec.node, mode: spec.mode, readonly: spec.readonly }];
  });
  return { site: site.identity.site, key, isAlone };
}

function checkSame(spec: PublishSpec, here: Publication): void {
  if (here.mode === spec.mode && here.readonly === spec.readonly) return;
  const how = `${here.mode}${here.readonly ? ', read-only' : ''}`;
  throw new Failure('conflict', 'PUBLISHED_DIFFERENTLY', `${formatImage(spec.volume)} is published at ${here.node} as ${how}`);
}

function checkOthers(spec: PublishSpec, now: readonly Publication[]): void {
  const against = now.find((publication) => !(isShared(publication.mode) && isShared(spec.mode)));
  if (against === undefined) return;
  const message = `${formatImage(spec.volume)} is published at node ${against.node} as ${against.mode}`;
  throw new Failure('in-use', 'PUBLISHED_ELSEWHERE', message);
}

/**
 * A node that was given up may still have the volume open: taken from it by force, or cut off from Kubernetes and not
 * from Ceph. librbd would pass the lock to and fro between the two, and both would write. Such a node loses its watch
 * half a minute after it really is gone, or at once when it is fenced.
 */
async function refuseStrangers(io: IoContext, id: string, { volume, node }: PublishSpec): Promise<void> {
  if (await isUnused(io, id)) return;
  const own = parseNodeId(node)?.addresses ?? [];
  await using image = await Image.openReadOnly(io, { id });
  const elsewhere = (await image.watchers()).filter(({ address }) => !own.includes(hostOf(address)));
  const [stranger] = await strangersAmong(io, elsewhere);
  if (stranger === undefined) return;
  throw new Failure('in-use', 'IMAGE_IN_USE', `${formatImage(volume)} is in use by ${stranger}, which is not node ${node}`);
}

/** Counts over all places; two publications at the same moment may both see the last free one. */
async function checkNodeLimit(site: Site, { node, nodeLimit }: PublishSpec): Promise<void> {
  if (nodeLimit === 0) return;
  let count = 0;
  for await (const io of openPlaces(site)) {
    const publications = await listPublications(io);
    for (const entry of publications.values()) if (entry.publications.some((one) => isSameNode(one.node, node))) count += 1;
  }
  if (count < nodeLimit) return;
  throw new Failure('exhausted', 'NODE_FULL', `node ${node} has ${count} volumes, and takes ${nodeLimit}`);
}
