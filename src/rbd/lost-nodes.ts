/**
 * Nodes that are lost: keys `lost/<node's name>` of a place's `loligo.pool`. Somebody who knows said that the node will not
 * give back what it has (Kubernetes' taint `node.kubernetes.io/out-of-service`, or an administrator), so taking a volume from it
 * cuts it off (fence.ts). The key goes when the node is said to be back; what was cut off stays so.
 */
import { findKey, type IoContext, isErrno, WriteOperation } from '#ceph';
import { Failure } from '#lib/failure';
import { isName } from '#lib/handle';
import { parseNodeId } from '#lib/node-id';
import { openPlaces } from './find-places.ts';
import { MARK } from './pool-mark.ts';
import type { Site } from './site.ts';

/** Notes in every place of the cluster that a node is lost, or back. Repeatable. */
export async function markNode(site: Site, { node, lost }: { readonly node: string; readonly lost: boolean }): Promise<void> {
  if (!isName(node)) throw new Failure('invalid', 'NODE_NAME_INVALID', `"${node}" is not the name of a node`);
  for await (const io of openPlaces(site)) await note(io, node, lost);
}

/** `node` is a node's id. One round trip. */
export async function isLost(io: IoContext, node: string): Promise<boolean> {
  const name = parseNodeId(node)?.name;
  return name !== undefined && (await findKey(io, MARK, keyOf(name))) !== undefined;
}

async function note(io: IoContext, node: string, lost: boolean): Promise<void> {
  using operation = new WriteOperation(io);
  operation.assertExists();
  if (lost) operation.setKey(keyOf(node), new Date().toISOString());
  else operation.removeKey(keyOf(node));
  try {
    await operation.run(MARK);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error; // the place was removed meanwhile
  }
}

function keyOf(node: string): string {
  return `lost/${node}`;
}
