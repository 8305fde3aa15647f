/**
 * Fencing: a node that is lost may still hold an image, and write to it whenever it comes to. The clients through which it
 * does are cut off from Ceph before the volume goes elsewhere. That is for good: a node that comes back has to
 * open its images anew, as another client. A kernel has one client for all its images, so all of its volumes end at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { findDirectoryId, Image, type IoContext } from '#ceph';
import { Failure } from '#lib/failure';
import { parseNodeId } from '#lib/node-id';
import type { EngineScope } from './engine-scope.ts';
import { strangersAmong } from './own-clients.ts';
import { hostOf } from './watcher-address.ts';

/**
 * The manager of Ceph opens images too, and may run on the node's machine; our capabilities do not tell which clients are its. It
 * has an image open for an instant, a lost node for good.
 */
const MOMENT_MS = 2000;
/** Ten years, in seconds: a blocklist entry cannot be without an end. */
const FOR_GOOD = 315_360_000;

/**
 * Cuts off the node that has these ids (its addresses may have changed): who watches the image, or holds its lock, from an
 * address of the node, unless it is one of Loligo's own connections. Returns when the monitors have it and the OSDs are
 * asked to know it: nothing that was in flight lands any more.
 */
export async function fenceNode(
  io: IoContext,
  { image, nodes }: { image: string; nodes: readonly string[] },
  scope: EngineScope,
): Promise<void> {
  const id = await findDirectoryId(io, image);
  if (id === undefined) return;
  const addresses = nodes.flatMap((node) => parseNodeId(node)?.addresses ?? []);
  const seen = await clientsOf(io, id, addresses);
  if (seen.length === 0) return;
  await sleep(MOMENT_MS);
  const still = await clientsOf(io, id, addresses);
  const clients = seen.filter((client) => still.includes(client));
  for (const client of clients) {
    scope.log.warn({ image, node: nodes[0], client }, 'the node is lost: its client is cut off from Ceph');
    await io.cluster.blocklist(client, FOR_GOOD);
  }
  const cutOff = await io.cluster.blocklisted();
  const missed = clients.find((client) => !cutOff.has(client));
  if (missed !== undefined) throw new Failure('unfinished', 'FENCE_UNCONFIRMED', `the monitors do not list ${missed} as cut off`);
  await io.cluster.waitForLatestMap();
}

async function clientsOf(io: IoContext, id: string, addresses: readonly string[]): Promise<readonly string[]> {
  await using image = await Image.openReadOnly(io, { id });
  const seen = [...(await image.watchers()), ...(await image.lockers())];
  const here = seen.filter(({ address }) => addresses.includes(hostOf(address)));
  return [...new Set(await strangersAmong(io, here))];
}
