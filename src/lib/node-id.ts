/**
 * A node's id is its name and the addresses its Ceph clients use, `worker-1@10.0.0.5,fd00::5`: so a watcher's address
 * names its node, and an id of another form is no node of ours.
 */
import { isIP } from 'node:net';
import { isName } from '#lib/handle';

export interface NodeId {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** What CSI lets a node id have, in bytes. */
const NODE_ID_MAX = 256;
const ADDRESSES_MAX = 8;

export function formatNodeId({ name, addresses }: NodeId): string {
  return `${name}@${addresses.join(',')}`;
}

/** A node is its name: its addresses may change while it has volumes. */
export function isSameNode(a: string, b: string): boolean {
  const name = parseNodeId(a)?.name;
  return name !== undefined && name === parseNodeId(b)?.name;
}

/** `undefined` for a text that cannot be an id of ours: the node does not exist. */
export function parseNodeId(text: string): NodeId | undefined {
  if (text.length > NODE_ID_MAX) return undefined;
  const [name, list, ...rest] = text.split('@');
  if (name === undefined || list === undefined || rest.length > 0 || !isName(name)) return undefined;
  const addresses = list.split(',');
  if (addresses.length > ADDRESSES_MAX || !addresses.every((address) => isIP(address) !== 0)) return undefined;
  return { name, addresses };
}
