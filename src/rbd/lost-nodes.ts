/**
 * Nodes that are lost: keys `lost/<node's name>` of a place's `loligo.pool`. Somebody who knows said that the node will not
 * give back what it has, so taking a volume from it cuts it off (fence.ts). The key goes when the node is said to be back; what was
 * cut off stays so. The value is `<who says so> <since when>`: `taint/<instance>` for Kubernetes' taint
 * `node.kubernetes.io/out-of-service`, read by the operator of that instance, and `person` for an administrator. What a person says,
 * no operator changes.
 */
import { findKey, type IoContext, isErrno, listKeys, WriteOperation } from '#ceph';
import { Failure } from '#lib/failure';
import { isName } from '#lib/handle';
import { parseNodeId } from '#lib/node-id';
import { openPlaces } from './find-places.ts';
import { MARK } from './pool-mark.ts';
import type { Site } from './site.ts';
import type { LostNodes, NodeMark } from './specs.ts';

const PREFIX = 'lost/';
/** Keys read at once. */
const PAGE = 1000;

/** Notes in every place of the cluster that a node is lost, or back. Repeatable. */
export async function markNode(site: Site, { node, lost, by }: NodeMark): Promise<void> {
  if (!isName(node)) throw new Failure('invalid', 'NODE_NAME_INVALID', `"${node}" is not the name of a node`);
  const author = by === 'taint' ? authorOf(site) : by;
  for await (const io of openPlaces(site)) {
    const before = by === 'taint' ? await findMark(io, node) : undefined;
    // An operator neither replaces nor removes what somebody else said.
    if (before === undefined || (!lost && isBy(before, author))) await note(io, keyOf(node), lost ? author : undefined);
  }
}

/** What this instance's operator has marked. */
export async function lostNodes(site: Site): Promise<LostNodes> {
  const author = authorOf(site);
  const counts = new Map<string, number>();
  const marked = new Set<string>();
  let places = 0;
  for await (const io of openPlaces(site)) {
    places += 1;
    for (const [node, mark] of await readMarks(io)) {
      counts.set(node, (counts.get(node) ?? 0) + 1);
      if (isBy(mark, author)) marked.add(node);
    }
  }
  return { everywhere: [...counts].filter(([, count]) => count === places).map(([node]) => node), byTaint: [...marked] };
}

/** `node` is a node's id. One round trip. */
export async function isLost(io: IoContext, node: string): Promise<boolean> {
  const name = parseNodeId(node)?.name;
  return name !== undefined && (await findMark(io, name)) !== undefined;
}

function authorOf({ identity }: Site): string {
  return `taint/${identity.instance}`;
}

function isBy(mark: string, author: string): boolean {
  return mark.startsWith(`${author} `);
}

async function note(io: IoContext, key: string, author: string | undefined): Promise<void> {
  using operation = new WriteOperation(io);
  operation.assertExists();
  if (author === undefined) operation.removeKey(key);
  else operation.setKey(key, `${author} ${new Date().toISOString()}`);
  try {
    await operation.run(MARK);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error; // the place was removed meanwhile
  }
}

function findMark(io: IoContext, node: string): Promise<string | undefined> {
  return findKey(io, MARK, keyOf(node));
}

async function readMarks(io: IoContext): Promise<Map<string, string>> {
  const marks = new Map<string, string>();
  for (let after = PREFIX; ; ) {
    const page = await listKeys(io, MARK, after, PAGE);
    for (const [key, mark] of page) {
      if (key.startsWith(PREFIX)) marks.set(key.slice(PREFIX.length), mark);
      after = key;
    }
    if (page.size < PAGE || !after.startsWith(PREFIX)) return marks;
  }
}

function keyOf(node: string): string {
  return `${PREFIX}${node}`;
}
